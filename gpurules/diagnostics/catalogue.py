"""Every diagnostic code, by its code.

The codes of what loading and testing find are in ``codes/``. A lint check is one file, which has its code too:
``make docs`` copies those into ``check_codes.json``, so that no check is imported to know their names.
"""

from collections.abc import Iterator
from pathlib import Path

from gpurules.diagnostics.code import Code, Fix, Form, Need, Severity
from gpurules.diagnostics.codes import conditions, files, names, practice
from gpurules.strict_json import loads

CHECK_CODES = "check_codes.json"
"""The file beside this one that has the codes of the lint checks."""


def _of_checks() -> Iterator[Code]:
    # importlib.resources would take longer to import than all of this
    for row in loads(Path(__file__).with_name(CHECK_CODES).read_text(encoding="utf-8")):
        fix = Fix(row["fix"]) if row["fix"] else None
        typed = {"severity": Severity(row["severity"]), "form": Form(row["form"]), "needs": Need(row["needs"])}
        yield Code(**{**row, **typed, "fix": fix})


_CHECKS = tuple(_of_checks())
_ALL = (*conditions.CODES, *names.CODES, *files.CODES, *practice.CODES, *_CHECKS)

CATALOGUE = {code.code: code for code in sorted(_ALL, key=lambda code: code.code)}
"""Every known code, by its code."""

ON_REQUEST = ("GPR7", "GPR8")
"""The groups that are reported only where they are selected: style, and tests and docs."""

ABOUT_TESTS = frozenset({"GPR806", "GPR807", "GPR808"})
"""The codes of what is wrong with tests of rules themselves."""

LINT_ONLY = frozenset(code.code for code in _CHECKS if code.severity is Severity.ERROR)
"""Errors that only ``gpurules lint`` looks for: a ruleset that has them loads, and does what it says."""

DEFAULT_CODES = frozenset(code for code in CATALOGUE if not code.startswith(ON_REQUEST))
"""The codes that are reported where nothing is selected."""


def codes_needing(need: Need) -> frozenset[str]:
    """Return the codes whose findings can be looked for only once *need* is met."""
    return frozenset(code.code for code in CATALOGUE.values() if code.needs is need)


def codes_named(selector: str) -> frozenset[str]:
    """Return the codes that *selector* means: a code, a prefix such as ``GPR1``, or a name; none where it means none.

    >>> sorted(codes_named("unknown-field") | codes_named("GPR60"))
    ['GPR101', 'GPR601', 'GPR602', 'GPR603', 'GPR604', 'GPR605', 'GPR606', 'GPR607', 'GPR608']
    """
    prefix = selector.upper() if selector[:3].upper() == "GPR" else None
    return frozenset(
        code.code for code in CATALOGUE.values() if code.name == selector or (prefix and code.code.startswith(prefix))
    )


_LIKE_DIGITS = str.maketrans("OILS", "0115")


def code_candidates(selector: str) -> tuple[str, ...]:
    """Return what a wrong *selector* may have been meant to be: all codes and names, or what it looks like.

    >>> code_candidates("GPR2O1")
    ('GPR201',)
    """
    written = selector.upper()
    meant = written[:3] + written[3:].translate(_LIKE_DIGITS)
    return (meant,) if meant in CATALOGUE else (*CATALOGUE, *(code.name for code in CATALOGUE.values()))
