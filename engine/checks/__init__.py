"""Checks of the machine: what is installed, how fast it runs, what energy it takes."""
