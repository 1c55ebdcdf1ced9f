"""Jobs: files in, files out, one by one or as a batch with several workers."""
