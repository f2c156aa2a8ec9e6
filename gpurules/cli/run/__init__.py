"""The implementation of ``gpurules run``; ``watch`` shares the replay clock and the agent's clients.

A recording is replayed to its end; live telemetry is followed until a signal arrives::

    recording --> playback --+
                             +--> timeline --> lines for people, or one JSON object per event
    live source --> agent ---+
                     |
                     +-- governed_clients   storage clients that follow the rules

Entry points: :func:`gpurules.cli.run.agent.run_agent` and :class:`gpurules.cli.run.playback.Playback`.
"""
