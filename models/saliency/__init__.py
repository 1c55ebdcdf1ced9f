"""Trains the saliency network, and scores its masks."""
