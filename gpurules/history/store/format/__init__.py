"""The format of a store: frames of one node as Parquet files, with columns that are constant left out."""
