"""The agent's state in addition to its coordinator's: recent events, recent samples, registered transfers.

::

    poll --> recorder --> events, samples    in memory; past reads older samples from a store
             effects --> events
    transfers, definitions  --> sections     the state as data
                            --> revisions    the changes since any revision

The entry point is ``revisions``: there is no state per client.
"""
