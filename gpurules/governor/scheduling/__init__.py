"""The pure core of the governor: time is an argument, nothing waits, and no lock is taken.

::

    submit, ask --> scheduler --> ready_queue (priority with aging) --> slots, lanes --> rates (pacers) --> granted
                       |
                     entry <-- holds (delay, pause)    timers: when to check a transfer again

Entry point: :class:`gpurules.governor.scheduling.scheduler.Scheduler`.
"""
