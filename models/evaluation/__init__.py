"""Scores of stylised pictures and videos."""
