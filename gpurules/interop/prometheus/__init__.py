"""Rules of Prometheus: export of rulesets, and of their tests."""

from gpurules.interop.prometheus.exporting import Export, Omission, export_rules
from gpurules.interop.prometheus.names import NAMINGS
from gpurules.interop.prometheus.rule_file import render_group

__all__ = ["NAMINGS", "Export", "Omission", "export_rules", "render_group"]
