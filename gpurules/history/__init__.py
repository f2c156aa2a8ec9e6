"""Rules over recorded time: the recording store, the kernel, back-tests, reports and tuning.

::

    store/      Parquet files by day and node -> frames/    snapshots of one node as columns
    frames/  -> kernel/     rules and signals over whole columns, equal to the engine; replay runs the engine itself
             -> backtest/   one task a node, on processes or Spark -> results, added up over nodes
                  -> report/    one HTML file with charts
                  -> tuning/    searches the thresholds and times that meet stated goals

It needs the extra ``history``. The entry points are ``store.reader.StoreReader``, ``backtest.run.run`` and
``tuning.search.find_proposal``.
"""
