"""Paints a picture by optimisation; reconstructs content or style."""
