"""Tuning: which thresholds and durations of a ruleset would have met given goals over a recording."""
