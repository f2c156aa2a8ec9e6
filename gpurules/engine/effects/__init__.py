"""From rules that start or stop to match to effects that run, and the counts of both.

::

    episodes --> events --> dispatcher --> lanes (one thread each) --> handlers
                   |            |
                   +--> metrics <

Entry point: :class:`gpurules.engine.effects.dispatcher.Dispatcher`.
"""
