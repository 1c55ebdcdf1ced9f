"""Playing: a source through stages into sinks, with a thread for each."""
