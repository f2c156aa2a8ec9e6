"""The project that the working directory belongs to: its configuration, and how the language server sees it.

::

    gpurules.toml --> configuration --> code_selection --> settings of commands
                          |
                          +--> editor   settings per document, pages of diagnostic codes

``configuration_schema`` derives the JSON Schema from the same keys. Entry point:
:func:`gpurules.cli.project.configuration.configuration`.
"""
