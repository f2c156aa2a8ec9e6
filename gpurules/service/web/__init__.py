"""The only user of the web framework: handles requests and responses.

::

    server --> listeners, protocol, systemd
           --> application --> endpoint --> access, operation (operations/, schemas)
                           --> pages, documents <-- openapi

The entry point is ``server``.
"""
