"""Playback: a source, stages and sinks, each in its own thread."""
