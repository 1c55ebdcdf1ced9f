"""Pictures in files: of every kind, read as sRGB and written whole or not at all."""
