"""What ``eval``, ``explain`` and ``repl`` share: facts from options, and explanations on the terminal.

::

    options --> facts (live_facts: files that change) --> evaluation --> explanations --> lines

``repl_session`` goes around this loop once per line. Entry points: :func:`gpurules.cli.explain.facts.read_facts` and
:func:`gpurules.cli.explain.explanations.draw`.
"""
