"""Recorded snapshots of one node as columns, independent of the recording's format."""
