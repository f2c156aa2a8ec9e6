"""Exact analysis: what conditions can be, proved, and shown with a snapshot and a transfer."""
