"""Tuning: which thresholds and times of a ruleset would have met stated goals over what is recorded."""
