"""Runtime: sources, stages and sinks. Imports neither torch nor the exporters."""
