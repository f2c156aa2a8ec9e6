"""Finds everything that is wrong or odd about a ruleset: what loading finds, and what the checks find."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import Path

from gpurules.actions import Action
from gpurules.diagnostics import Diagnostic, Need, Severity, codes_needing
from gpurules.linter.check import Subject
from gpurules.linter.checks import CHECKS
from gpurules.linter.findings.baseline import with_fingerprints
from gpurules.linter.findings.policy import Policy
from gpurules.linter.findings.suppressions import apply_suppressions, suppressions
from gpurules.linter.history import FROM_HISTORY
from gpurules.linter.rewriting.equivalence import FixWork, preserves_meaning
from gpurules.registry import Registry
from gpurules.rules import Loaded, examine, examine_file
from gpurules.rules.files import read_file
from gpurules.rules.loader import distinct

DEFAULT = Policy()
FROM_ANALYSIS = codes_needing(Need.ANALYSIS)
"""The codes of what takes an analysis of all conditions together; everything else is found in an instant."""
FROM_TESTS = codes_needing(Need.TESTS)
"""The codes about missing tests: a caller that has run the tests passes these findings in."""


class Linting:
    """Everything that is wrong or odd about a ruleset that a text was loaded to, in two steps.

    Some is seen at once; the rest takes an analysis of all conditions together. Not for several threads.
    """

    def __init__(
        self,
        loaded: Loaded,
        text: str,
        path: str | None,
        policy: Policy = DEFAULT,
        from_tests: Sequence[Diagnostic] | None = None,
    ) -> None:
        self._loaded, self._path = loaded, path
        self._text = text.removeprefix("\ufeff")
        self._from_tests = from_tests or ()
        if from_tests is None:  # the tests were not run, so a suppression of these codes may well be used
            policy = replace(policy, codes=policy.codes - FROM_TESTS)
        if not policy.recordings:
            policy = replace(policy, codes=policy.codes - FROM_HISTORY)
        self._policy = policy
        self._subject = Subject(
            loaded.ruleset or loaded.sound,
            loaded.placed,
            self._text,
            path,
            loaded.environment,
            work=policy.work,
            recordings=policy.recordings,
            is_wanted=policy.is_wanted,
            witnesses=policy.witnesses,
        )

    @cached_property
    def _at_once(self) -> list[Diagnostic]:
        found = [*_proved(self._loaded, self._subject.fix_work), *self._from_tests]
        return found + self._checked(self._policy.codes - FROM_ANALYSIS)

    def _checked(self, codes: frozenset[str]) -> list[Diagnostic]:
        return [found for check in CHECKS if check.about.code in codes for found in check.run(self._subject)]

    def quick(self) -> list[Diagnostic]:
        """Return what is seen at once, in order of place."""
        return self._reported(self._at_once, replace(self._policy, codes=self._policy.codes - FROM_ANALYSIS))

    def whole(self) -> list[Diagnostic]:
        """Return all there is, in order of place."""
        found = self._at_once + self._checked(self._policy.codes & FROM_ANALYSIS)
        policy = self._policy
        if policy.unanalyzed is not None:
            where = self._path or "<text>"
            policy.unanalyzed.extend(f"{where}: {line}" for line in _undecided(self._subject, policy))
        return self._reported(found, policy)

    def _reported(self, found: Sequence[Diagnostic], policy: Policy) -> list[Diagnostic]:
        """Return those of *found* that are reported, and what is wrong with suppressions, in order of place."""
        wanted = sorted(
            (d for d in distinct(found) if d.code in policy.codes_in(d.path)),
            key=lambda d: (*d.place, d.code),
        )
        policy = replace(policy, codes=policy.codes - _unseen(self._loaded, self._subject, policy))
        left = sorted(_unsilenced(wanted, self._text, self._path, policy), key=lambda d: (*d.place, d.code))
        return with_fingerprints(left, self._loaded.placed)


def lint_loaded(
    loaded: Loaded,
    text: str,
    path: str | None,
    policy: Policy = DEFAULT,
    from_tests: Sequence[Diagnostic] | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong or odd about a ruleset that *text* was loaded to, in order of place."""
    return Linting(loaded, text, path, policy, from_tests).whole()


def _unseen(loaded: Loaded, subject: Subject, policy: Policy) -> frozenset[str]:
    """Return the codes by which no suppression can be called unused, as not everything was looked at.

    Where the file has errors, no check can look at the rules that they are in: no suppression is called unused at all.
    """
    if loaded.ruleset is None:
        return frozenset({"GPR901"})
    analysis = subject.analysis if FROM_ANALYSIS & policy.codes else None
    return FROM_ANALYSIS if analysis is not None and analysis.is_capped else frozenset()


def _undecided(subject: Subject, policy: Policy) -> Iterator[str]:
    """Yield which rules were not analyzed, or not judged by the recordings, and why."""
    for name, reason in subject.analysis.unanalyzed.items() if subject.analysis else ():
        yield f"`{name}`: {reason}"
    if subject.fix_work.is_capped:
        yield "fixes: the step budget of their proofs was exhausted, so some are offered as unsafe"
    if FROM_HISTORY & policy.codes and subject.replayed is not None:
        for name, reason in subject.replayed.left_out.items():
            yield f"`{name}`: not checked against the history: {reason}"


def _proved(loaded: Loaded, work: FixWork) -> Iterator[Diagnostic]:
    """Yield what loading found; a fix of a condition that has a meaning is safe only where it is proved to keep it."""
    safe = {d for d in loaded.diagnostics if d.safe and d.severity is not Severity.ERROR}
    unproved = set()
    for placed in loaded.placed if safe else ():
        for finding in placed.checked.findings:
            there = placed.expression.diagnostic(finding, placed.rule)
            if there in safe and not preserves_meaning(placed, finding.edits, loaded.environment, work):
                unproved.add(there)
    for found in loaded.diagnostics:
        yield replace(found, safe=False) if found in unproved else found


def _unsilenced(found: list[Diagnostic], text: str, path: str | None, policy: Policy) -> Iterator[Diagnostic]:
    """Yield what the suppressions of each file leave; those of a base are complained of where it is linted itself."""
    own = [finding for finding in found if finding.path == path]
    yield from apply_suppressions(own, suppressions(text, policy.today), path, policy)
    for base, findings in groupby((f for f in found if f.path != path), key=lambda f: f.path):
        there = suppressions(_read(base), policy.today)
        yield from (f for f in findings if not sum(one.silences(f) for one in there))


def _read(path: str | None) -> str:
    try:
        return _text(read_file(path)) if path else ""
    except (OSError, ValueError):
        return ""


def _text(data: str | bytes) -> str:
    return (data if isinstance(data, str) else data.decode("utf-8", "replace")).removeprefix("\ufeff")


def lint(
    path: str | Path,
    actions: Registry[Action] | None = None,
    policy: Policy = DEFAULT,
    from_tests: Sequence[Diagnostic] | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong or odd about a ruleset file, in order of place; never raises for a bad file.

    ``gpurules:NAME`` is a shipped ruleset; *actions* are those that rules may order, by default all there are; *policy*
    says what is reported; *from_tests* is what tests of it leave out.
    """
    try:
        data = read_file(str(path))
    except (OSError, ValueError):
        return with_fingerprints(examine_file(path, actions).diagnostics, ())
    return lints(data, str(path), actions, policy, from_tests)


def lints(
    text: str | bytes,
    path: str | None = None,
    actions: Registry[Action] | None = None,
    policy: Policy = DEFAULT,
    from_tests: Sequence[Diagnostic] | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong or odd about the text of a ruleset, in order of place."""
    return lint_loaded(examine(text, path, actions), _text(text), path, policy, from_tests)
