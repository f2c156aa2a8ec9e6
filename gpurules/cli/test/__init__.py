"""The implementation of ``gpurules test`` and ``gpurules testgen``.

::

    files --> runner (parallel) --> results --> report --> text or JUnit
                                       |
                                       +--> project_tests   what the tests leave untested, for the linter

Entry point: :func:`gpurules.cli.test.runner.run_tests`.
"""
