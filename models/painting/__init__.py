"""Paints one picture by optimisation; reconstructs content or style."""
