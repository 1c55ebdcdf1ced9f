"""Trains trunks, the style encoder, and single styles."""
