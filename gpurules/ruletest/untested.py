"""What tests leave out of a ruleset, as findings at its rules."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gpurules.diagnostics import Diagnostic, Location, diagnostic_at
from gpurules.rules import Rule, Ruleset
from gpurules.rules.building import Placed
from gpurules.rules.files import identity
from gpurules.rules.loader import Loaded
from gpurules.ruletest.coverage.coverage import Coverage, CoveredPart
from gpurules.ruletest.runner import FileResult


def untested_rules(loaded: Loaded, results: Iterable[FileResult]) -> list[Diagnostic] | None:
    """Return what the tests of *results* leave out of the rules that are in the file of *loaded* itself.

    Missing: None where no test is about that file, or the file has errors.
    """
    ruleset = loaded.ruleset
    if ruleset is None or ruleset.path is None:
        return None
    seen = seen_of(ruleset.path, results)
    return None if seen is None else list(_gaps(ruleset, loaded.placed, seen))


def seen_of(path: str, results: Iterable[FileResult]) -> Coverage | None:
    """Return what the tests of *results* have seen of the ruleset at *path*; None where no test is about it."""
    own = identity(path)
    about = [result for result in results if own in {identity(path) for path in result.files}]
    if not about:
        return None
    seen = Coverage()
    for result in about:
        seen.include(result.coverage)
    return seen


def _gaps(ruleset: Ruleset, placed: Sequence[Placed], seen: Coverage) -> Iterator[Diagnostic]:
    for rule in ruleset.rules:
        if rule.path != ruleset.path or not rule.enabled:
            continue
        name, outcomes = repr(rule.name), seen.outcomes.get(rule.name, set())
        if not {"match", "suppressed"} & outcomes:
            yield _at(rule, "GPR801", f"no test makes {name} match", "add a case that expects outcome: match")
        elif outcomes == {"match"}:
            yield _at(rule, "GPR802", f"in no test does {name} not match", "add a case that expects outcome: no-match")
        for part in seen.parts_of(rule.name):
            place = _place(rule, part, placed)
            if part.is_threshold and not part.is_bounded:
                message = f"{name}: no test has `{part.text}` at its threshold and on both sides of it"
                yield _at(
                    rule, "GPR803", message, "a table with one row each is enough; gpurules testgen writes it", place
                )
            if part.is_unknown_path_open:
                message = f"{name}: no test has `{part.text}` with its facts missing"
                yield _at(
                    rule,
                    "GPR804",
                    message,
                    "write _ for the fact, and the outcome that is right; gpurules testgen writes the current one",
                    place,
                )


def _place(rule: Rule, part: CoveredPart, placed: Sequence[Placed]) -> Location | None:
    """Return the location of *part*, None if it is in a definition or signal."""
    squeezed = "".join(part.text.split())
    for one in placed:
        written = one.expression.parsed.text[part.span.start : part.span.end]
        if one.rule == rule.name and "".join(written.split()) == squeezed:
            return one.expression.location(part.span)
    return None


def _at(rule: Rule, code: str, message: str, hint: str, place: Location | None = None) -> Diagnostic:
    where = place or Location(rule.line, rule.column, rule.line, rule.column + len(rule.name))
    return replace(diagnostic_at(code, message, rule.path, where, hint), rule=rule.name)
