"""Chooses diagnostics by code, prefix or name, and counts them."""

from collections import Counter
from collections.abc import Iterable

import click

from gpurules.diagnostics import CATALOGUE, DEFAULT_CODES, Diagnostic, Severity, code_candidates, codes_named
from gpurules.registry import did_you_mean

FAIL_ON = {
    "error": frozenset({Severity.ERROR}),
    "warning": frozenset({Severity.ERROR, Severity.WARNING}),
    "info": frozenset(Severity),
    "never": frozenset[Severity](),
}
"""Which severities make a run fail, by the value of ``--fail-on``."""


def codes_of(selectors: Iterable[str]) -> frozenset[str]:
    """Return the codes that *selectors* match: codes, prefixes such as ``GPR1`` and names, separated by commas.

    Raises:
        click.UsageError: a selector matches no code; the message suggests the nearest.
    """
    chosen: set[str] = set()
    for selector in (part.strip() for text in selectors for part in text.split(",")):
        meant = codes_named(selector) if selector else frozenset()
        if selector and not meant:
            hint = did_you_mean(selector, code_candidates(selector))
            raise click.UsageError(f"no diagnostic is named {selector!r}; {hint or 'gpurules rule lists all'}")
        chosen |= meant
    return frozenset(chosen)


def chosen_codes(select: Iterable[str], extend: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """Return the codes to report: those of *select* (if empty, the default) and *extend*, without *ignore*."""
    return ((codes_of(select) or DEFAULT_CODES) | codes_of(extend)) - codes_of(ignore)


def statistics(diagnostics: Iterable[Diagnostic]) -> list[tuple[str, str, str]]:
    """Return the count, code and name of each code that occurs, the most frequent first."""
    counted = Counter(d.code for d in diagnostics)
    return [(str(n), code, CATALOGUE[code].name) for code, n in sorted(counted.items(), key=lambda e: (-e[1], e[0]))]
