"""Checks of this machine: installed software, speed and energy."""
