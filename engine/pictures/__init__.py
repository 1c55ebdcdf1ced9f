"""Picture files: all supported formats, read as sRGB and written atomically."""
