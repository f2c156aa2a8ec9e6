"""The recording store: Parquet files by day and node, written so that a crash loses at most a minute, never a file."""
