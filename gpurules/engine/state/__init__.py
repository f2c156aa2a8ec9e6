"""What the engine remembers between snapshots: windows of samples, signals, and episodes of rules.

::

    snapshot --> history --> windows --+
                                       +--> derived_state --> rows that conditions read
    conditions --> signals ------------+
                     |
                  signal_batch   the same state machine, bit-parallel for signals that an index looks up

Entry point: :class:`gpurules.engine.state.derived_state.DerivedState`.
"""
