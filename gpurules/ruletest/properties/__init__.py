"""Properties over all facts: proved exactly, or searched at thresholds."""
