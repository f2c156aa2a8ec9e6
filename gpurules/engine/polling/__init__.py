"""One poll of the coordinator, and what it keeps current.

::

    source_worker (one thread) --> poller --> engine --> episodes --> effects
                                     |
         registered_facts -----------+   workloads and transfers of this process
         state_store ----------------+   signals and episodes over a restart
    file_watch --> reloader ---------+   another ruleset: all of it or nothing

Entry point: :class:`gpurules.engine.polling.poller.Poller`.
"""
