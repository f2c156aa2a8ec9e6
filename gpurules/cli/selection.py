"""Chooses diagnostics by code, prefix or name, and counts them."""

from collections import Counter
from collections.abc import Iterable

import click

from gpurules.diagnostics import CATALOGUE, Diagnostic, Severity
from gpurules.registry import did_you_mean

FAIL_ON = {
    "error": frozenset({Severity.ERROR}),
    "warning": frozenset({Severity.ERROR, Severity.WARNING}),
    "info": frozenset(Severity),
    "never": frozenset[Severity](),
}
"""Which severities make a run fail, by the value of ``--fail-on``."""


def codes_of(selectors: Iterable[str]) -> frozenset[str]:
    """Return the codes that *selectors* mean: codes, prefixes such as ``GPR1``, and names; commas separate.

    Raises:
        click.UsageError: a selector means no code; the message offers the nearest.
    """
    chosen: set[str] = set()
    for selector in (part.strip() for text in selectors for part in text.split(",")):
        if not selector:
            continue
        meant = {
            code.code
            for code in CATALOGUE.values()
            if (selector.upper().startswith("GPR") and code.code.startswith(selector.upper())) or code.name == selector
        }
        if not meant:
            hint = did_you_mean(selector, (*CATALOGUE, *(code.name for code in CATALOGUE.values())))
            raise click.UsageError(f"no diagnostic is called {selector!r}; {hint or 'gpurules rule lists all'}")
        chosen |= meant
    return frozenset(chosen)


def selected(diagnostics: Iterable[Diagnostic], select: Iterable[str], ignore: Iterable[str]) -> list[Diagnostic]:
    """Return the diagnostics of the codes in *select* (all where it is empty) but not in *ignore*, each once."""
    wanted, unwanted = codes_of(select) or frozenset(CATALOGUE), codes_of(ignore)
    return [d for d in dict.fromkeys(diagnostics) if d.code in wanted and d.code not in unwanted]


def statistics(diagnostics: Iterable[Diagnostic]) -> list[tuple[str, str, str]]:
    """Return count, code and name of each code that occurs, the most frequent first."""
    counted = Counter(d.code for d in diagnostics)
    return [(str(n), code, CATALOGUE[code].name) for code, n in sorted(counted.items(), key=lambda e: (-e[1], e[0]))]
