"""Runs the tests of a file on mutants of its rules, and tells which of these no test notices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from gpurules.actions import Action, default_actions, is_directive
from gpurules.diagnostics import DiagnosedError
from gpurules.registry import Registry
from gpurules.rules import Ruleset, examine
from gpurules.rules.merge import identity, read_file
from gpurules.rules.yaml_reader import read_yaml
from gpurules.ruletest.case import TestFile
from gpurules.ruletest.mutants import Mutant, Written
from gpurules.ruletest.reader import read_tests
from gpurules.ruletest.subject import load_rulesets, ruleset_paths


@dataclass(slots=True)
class Mutated:
    """What the tests noticed: how many mutants, and which they did not."""

    noticed: int = 0
    missed: list[Mutant] = field(default_factory=list)

    def add(self, other: "Mutated") -> None:
        """Count *other* in."""
        self.noticed += other.noticed
        self.missed = sorted([*self.missed, *other.missed], key=lambda m: (m.path, m.start, m.end, m.after))

    @property
    def score(self) -> float:
        """The share of mutants that some test notices. Units: percent."""
        total = self.noticed + len(self.missed)
        return 100.0 * self.noticed / total if total else 100.0


Fails = Callable[[TestFile, Ruleset, str | None], bool]
"""Whether some test of a file fails on a ruleset; the tests of the rule that is named are tried first."""


def mutated(path: str, fails: Fails, share: tuple[int, int] = (0, 1)) -> Mutated:
    """Return which mutants the tests of the file at *path*, which pass, notice.

    *share* is ``(k, n)``: of every n mutants, the k-th. Mutants that are no sound ruleset, or the same as the original,
    do not count.

    Raises:
        OSError: it can not be read.
    """
    tests, _ = read_tests(read_file(path), path)
    if tests is None:
        return Mutated()
    try:
        original = load_rulesets(tests)
    except DiagnosedError:
        return Mutated()
    result, actions = Mutated(), default_actions()
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
            result.noticed += 1
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
        for mutant in Written(path, read_yaml(data, path).root, examine(data, path).placed, directives).mutants():
            if mutant.rule in enabled:
                yield mutant, mutant.applied(text)
