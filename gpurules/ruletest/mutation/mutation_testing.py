"""Mutation testing: runs the tests of a file on mutants of its rules, and reports the mutants that no test notices."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from gpurules.actions import Action, default_actions, is_directive
from gpurules.diagnostics import DiagnosedError
from gpurules.registry import Registry
from gpurules.rules import Ruleset, examine
from gpurules.rules.files import identity, read_file
from gpurules.rules.yaml import read_yaml
from gpurules.ruletest.case import TestFile
from gpurules.ruletest.execution.subject import load_rulesets, ruleset_paths
from gpurules.ruletest.mutation.mutants import Mutant, RulesetText
from gpurules.ruletest.reading.reader import read_tests

_Key: TypeAlias = tuple[str, int, int, str]


def _key(mutant: Mutant) -> _Key:
    """Return what makes it the same mutant, by whichever path its file is named."""
    return identity(mutant.path), mutant.start, mutant.end, mutant.written


def _order(mutant: Mutant) -> tuple[str, int, int, str]:
    return mutant.path, mutant.start, mutant.end, mutant.after


@dataclass(slots=True)
class MutationReport:
    """Which mutants the tests noticed, and which they did not."""

    caught: list[Mutant] = field(default_factory=list)
    missed: list[Mutant] = field(default_factory=list)

    def add(self, other: "MutationReport") -> None:
        """Count other mutants of the same tests in."""
        self.caught = sorted([*self.caught, *other.caught], key=_order)
        self.missed = sorted([*self.missed, *other.missed], key=_order)

    @property
    def noticed(self) -> int:
        """How many the tests noticed."""
        return len(self.caught)

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.caught) + len(self.missed)

    @property
    def score(self) -> float:
        """The share of mutants that some test notices. Units: percent."""
        return 100.0 * self.noticed / self.total if self.total else 100.0

    def beside(self, others: Iterable["MutationReport"]) -> "MutationReport":
        """Return the same mutants where the tests of *others*, which may be about the same rules, count too."""
        known = {_key(mutant) for other in others for mutant in other.caught}
        found = MutationReport(list(self.caught))
        for mutant in self.missed:
            (found.caught if _key(mutant) in known else found.missed).append(mutant)
        return found


def combine_reports(parts: Sequence[MutationReport]) -> MutationReport:
    """Return every mutant of several files of tests once; one of them noticing it is enough."""
    found, known = MutationReport(), set[_Key]()
    for part in (part.beside(parts) for part in parts):
        for mutants, kept in ((part.caught, found.caught), (part.missed, found.missed)):
            kept += [mutant for mutant in mutants if _key(mutant) not in known]
        known |= {_key(mutant) for mutant in (*part.caught, *part.missed)}
    return found


Fails = Callable[[TestFile, Ruleset, str | None], bool]
"""Whether some test of a file fails on a ruleset; the tests of the rule that is named are tried first."""


def run_mutants(path: str, fails: Fails, share: tuple[int, int] = (0, 1)) -> MutationReport:
    """Return which mutants the tests of the file at *path*, which pass, notice.

    *share* is ``(k, n)``: of every n mutants, the k-th. Mutants that are not valid rulesets, or equal the original,
    do not count.

    Raises:
        OSError: it cannot be read.
    """
    tests, _ = read_tests(read_file(path), path)
    if tests is None:
        return MutationReport()
    try:
        original = load_rulesets(tests)
    except DiagnosedError:
        return MutationReport()
    result, actions = MutationReport(), default_actions()
    for mutant, text in islice(_mutants(tests, original, actions), share[0], None, share[1]):
        data = text.encode("utf-8", "surrogatepass")

        def read(wanted: str, mutant: Mutant = mutant, data: bytes = data) -> bytes:
            return data if identity(wanted) == identity(mutant.path) else read_file(wanted)

        try:
            changed = load_rulesets(tests, read)
        except DiagnosedError:
            continue
        if changed.version == original.version:
            continue
        if fails(tests, changed, mutant.rule):
            result.caught.append(mutant)
        else:
            result.missed.append(mutant)
    return result


def _mutants(tests: TestFile, ruleset: Ruleset, actions: Registry[Action]) -> Iterator[tuple[Mutant, str]]:
    """Yield every mutant of the files that *tests* name, with the text of its file."""
    directives = frozenset(name for name in actions.names if is_directive(actions[name]))
    enabled = {None, *(rule.name for rule in ruleset.rules if rule.enabled)}
    for path in dict.fromkeys(ruleset_paths(tests)):
        data = read_file(path)
        text = data.decode("utf-8-sig")
        for mutant in RulesetText(path, read_yaml(data, path).root, examine(data, path).placed, directives).mutants():
            if mutant.rule in enabled:
                yield mutant, mutant.apply(text)
