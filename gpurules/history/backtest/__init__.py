"""Back-tests: what rulesets would have done over recorded telemetry, node by node.

::

    run --> task      the recording of one node
        --> local, spark    distribute tasks over processes or a cluster
            --> judge       kernel or engine --> statistics/
        --> result    added up over nodes --> limits    is a limit exceeded?
    transfers         replays transfers through the engine

The entry point is ``run.run``.
"""
