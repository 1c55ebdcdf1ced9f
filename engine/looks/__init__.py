"""Looks: how pictures are painted, and what can change while they are painted."""
