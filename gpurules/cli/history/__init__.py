"""Shared code of the commands that work on recordings."""
