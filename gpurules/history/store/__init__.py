"""The recording store: Parquet files by day and node, written so that a crash loses at most a minute, never a file.

::

    snapshots --> writer --> storage (a folder or URL, in the tables of schema) --> reader --> frames
                                                    time_span, format/
    exchange, prometheus, simulated    fill a store from elsewhere
    maintenance                        compacts it and keeps its limits

The entry points are ``StoreWriter`` and ``StoreReader``.
"""
