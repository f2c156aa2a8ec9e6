"""The command line: the only package that deals with terminals.

::

    argv -> main -> commands/<name>       one file a command: options, a call, an exit code
              process/                    an interrupt or an internal error: one line and an exit code
    commands/ -> options, inputs/, project/                         what arguments and configuration mean
              -> lint/  test/  explain/  run/  watch/  history/     the work behind the options, by subject
              -> terminal/                data on stdout, everything else on stderr; color and width
    reference/                            writes the generated pages: ``python -m gpurules.cli.reference``

Nothing imports this package. The entry point is ``main.main``.
"""
