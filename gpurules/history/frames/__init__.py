"""Recorded snapshots of one node as columns, whatever they were recorded in."""
