"""The generated reference: ``python -m gpurules.cli.reference`` writes the pages, the schema and the parser's tables.

::

    registries --> pages ------------+
    commands   --> command_pages ----+--> docs/, grammars/
    docs/gallery --> gallery --------+
    mistakes   --> first_hour -------+

Entry point: :func:`gpurules.cli.reference.pages.write_pages`.
"""
