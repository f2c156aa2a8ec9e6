"""Clients that are controlled by settings outside this process: rules change them, the end restores them.

::

    coordinator --> follower --> tunable_client --> restorable_setting --> mount, daemon, library
                                                        |
                                                     a note on disk, which restores the value after a crash

Entry point: :class:`gpurules.clients.settings.follower.Follower`.
"""
