"""Vectorized evaluation of rules and signals over recorded telemetry, with results equal to the engine's.

::

    plan --> kernel --> table      fields, windows (windows) and local time (clock) as columns
                    --> signals    streaks and holds, per stretch of equal inputs (stretches)
                    --> outcome    where each rule is TRUE, FALSE or unknown
    replay                         the same outcome by the engine, snapshot by snapshot: the reference

The entry point is ``kernel.Kernel``.
"""
