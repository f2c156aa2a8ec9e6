"""Rules of Prometheus: export of rulesets, and of their tests."""

from gpurules.interop.prometheus.exporting import Export, Omission, export_rules
from gpurules.interop.prometheus.names import NAMINGS
from gpurules.interop.prometheus.rule_file import render_group
from gpurules.interop.prometheus.rule_tests import export_tests

__all__ = ["NAMINGS", "Export", "Omission", "export_rules", "export_tests", "render_group"]
