"""Rules of Prometheus: export of rulesets, and of their tests; ``importing`` is the way back.

::

    ruleset --> exporting --> signal_rules    recording rules
                          --> names           metrics of exporters
                          --> rule_file       the text
    tests   --> rule_tests                    a file of promtool

The entry points are ``export_rules`` and ``export_tests``.
"""

from gpurules.interop.prometheus.exporting import Export, Omission, export_rules
from gpurules.interop.prometheus.names import NAMINGS
from gpurules.interop.prometheus.rule_file import render_group
from gpurules.interop.prometheus.rule_tests import export_tests

__all__ = ["NAMINGS", "Export", "Omission", "export_rules", "export_tests", "render_group"]
