"""JSON bytes of facts and decisions, without intermediate dicts where speed matters.

::

    bytes --> json_bytes --> reading     facts, with all errors --> problems
          --> requests                   transfers and workloads, in one pass
    decisions, redaction --> bytes

The entry points are ``requests`` and ``decisions``.
"""
