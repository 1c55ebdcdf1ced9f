"""Stages: loaded models that map a frame to a frame, and chains of them."""
