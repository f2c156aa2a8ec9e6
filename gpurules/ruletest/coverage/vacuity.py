"""Vacuous tests: those that hold for every ruleset."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Location, diagnostic_at
from gpurules.ruletest.case import Expectation, TestFile


def vacuous_tests(tests: TestFile) -> Iterator[Diagnostic]:
    """Yield a finding for each test of *tests* that holds whatever the rules are, and for a file without any."""
    if not (tests.cases or tests.properties or tests.replay):
        yield _found(tests, Location(1, 1, 1, 1), "the file has no test", "add cases, properties or replay")
    for case in tests.cases:
        if not case.expect:
            yield _found(tests, case.location, f"the test {case.name!r} expects nothing", "add expect")
        for expectation in case.expect:
            if _says_nothing(expectation):
                message = "the expectation holds for any ruleset"
                yield _found(tests, expectation.location, message, "add outcome, because, devices, decision or matched")
    for asked in tests.properties:
        named = asked.all_match or asked.some_match or asked.none_match
        if not named and not (asked.never and asked.condition is None):
            yield _found(tests, asked.location, "the property names no rule", "add all_match, some_match or none_match")
    for replay in tests.replay:
        if replay.max_flaps_per_hour is None and (replay.matches is None or replay.matches == (0, float("inf"))):
            yield _found(
                tests,
                replay.location,
                "nothing is expected from the recording",
                "add matches_between or max_flaps_per_hour",
            )


def _says_nothing(expectation: Expectation) -> bool:
    asked = (expectation.outcome, expectation.because, expectation.devices, expectation.matched)
    return all(value is None for value in asked) and not expectation.decision


def _found(tests: TestFile, place: Location, message: str, hint: str) -> Diagnostic:
    return diagnostic_at("GPR806", message, tests.path, place, hint)
