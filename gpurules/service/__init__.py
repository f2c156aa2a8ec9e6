"""The agent over HTTP: its API, its page, its metrics, and the state file for local readers.

::

    Coordinator -> agent -> state/        events, samples, revisions and registered transfers, as JSON-ready sections
    request -> web/listeners -> web/application -> web/endpoint (access, limits) -> web/operations/ -> answer
                                 wire/    JSON bytes of facts, decisions and problems (RFC 9457)
    each poll -> state_file/              what the agent knows, in a file that other processes map into memory
              -> metrics                  what Prometheus scrapes

The entry point is ``server.serve``; Python clients use the package ``remote``.
"""
