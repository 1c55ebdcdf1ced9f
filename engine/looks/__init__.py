"""Looks: what pictures shall look like, and what can be changed while they are painted."""
