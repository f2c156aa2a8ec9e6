"""Import: rule files of Prometheus, read, parsed and translated to a ruleset.

::

    file --> rules --> syntax       PromQL as a tree
                   --> translation  conditions (operands), numbers, labels, metrics
                   --> conversion   a ruleset, and what was left out

The entry points are ``read_rules`` and ``import_rules``.
"""

from gpurules.interop.prometheus.importing.conversion import Import, ImportedRule, LeftOut, import_rules, render_ruleset
from gpurules.interop.prometheus.importing.rules import PrometheusRule, RuleFileError, read_rules

__all__ = [
    "Import",
    "ImportedRule",
    "LeftOut",
    "PrometheusRule",
    "RuleFileError",
    "import_rules",
    "read_rules",
    "render_ruleset",
]
