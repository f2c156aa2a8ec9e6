"""Tuning: which thresholds and durations of a ruleset would have met given goals over a recording.

::

    knobs    what can be changed --> search --> candidate    evaluated, frame by frame
    goals    what must hold                 --> trial        its scores, and on days left out
    recordings                       read once --> the Pareto front

The entry point is ``search.find_proposal``.
"""
