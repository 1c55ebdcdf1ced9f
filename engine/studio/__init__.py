"""The studio: a page on which people paint photographs, videos and their own camera without typing a command."""
