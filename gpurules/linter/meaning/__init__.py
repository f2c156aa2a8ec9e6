"""What a ruleset can mean: one prover for all of its conditions, and what follows for rules and pairs of rules.

``analysis`` (``Analysis``, the entry point) <- ``shadows`` <- ``partial_shadows``, ``conflicts``; ``regions``,
``bands``, ``hysteresis``, ``narrowing`` and ``examples`` each answer one more kind of question.
"""
