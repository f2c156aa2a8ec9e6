"""The project of the working directory: its configuration, and its interface to the language server.

::

    gpurules.toml --> configuration --> code_selection --> settings of commands
                          |
                          +--> editor   settings per document, pages of diagnostic codes

``configuration_schema`` derives the JSON Schema from the same keys. Entry point:
:func:`gpurules.cli.project.configuration.configuration`.
"""
