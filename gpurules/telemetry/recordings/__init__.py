"""Recordings: the options that they leave open, their order in time, and the files that they are in."""
