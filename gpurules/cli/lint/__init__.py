"""The implementation of ``gpurules lint``.

::

    arguments --> linter_run --> baseline --> fixes --> linter_run.write_report --> text, JSON, SARIF, ...
                  (findings)     (known)      (--fix)    +-- repo_paths    paths as code hosts want them
                                                         +-- emitted_tests rule tests that show the findings

``file_watch`` repeats the run when a file changes. Entry point: :func:`gpurules.cli.lint.invocation.lint_paths`.
"""
