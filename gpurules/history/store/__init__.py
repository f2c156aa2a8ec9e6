"""The recording store: Parquet files by day and node, written so that a crash loses a minute and never a file."""
