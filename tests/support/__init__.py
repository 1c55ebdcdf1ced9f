"""Helpers shared by tests: `from support.models import …`."""
