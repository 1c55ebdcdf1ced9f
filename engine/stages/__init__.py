"""Stages: loaded models from frame to frame, alone and one after another."""
