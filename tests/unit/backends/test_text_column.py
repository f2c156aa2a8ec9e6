"""Many rules about paths are looked up, whatever they test, and a search without memory finds all the same."""

from unittest.mock import patch

import pytest

from gpurules import Snapshot, Transfer, loads
from gpurules.backends.specialization import Specializer
from gpurules.language.terms import patterns
from gpurules.language.terms.patterns import substring_finder

FORMS = (
    "path STARTSWITH '/data/{n}/'",
    "path ENDSWITH '{n}.bin'",
    "path CONTAINS '/{n}/'",
    "path GLOB '/data/{n}/*.bin'",
    "path GLOB '*/{n}/??/*.bin'",
    "file_name GLOB '{n}.*'",
    "file_extension == '.{n}'",
    "lower(path) STARTSWITH '/{n}/'",
    "(path STARTSWITH '/{n}/' OR path ENDSWITH '.{n}')",
    "path STARTSWITH '/data/' AND path CONTAINS '{n}' AND NOT path ENDSWITH '.tmp'",
)


def text(form: str, rules: int) -> str:
    """Return a ruleset of rules of one form."""
    lines = [
        f'  - {{name: r{n}, condition: "{form.format(n=n)}", action: pause_transfer, parameters: {{}}}}'
        for n in range(rules)
    ]
    return "version: 1\nname: paths\nrules:\n" + "\n".join(lines)


@pytest.mark.parametrize("form", FORMS)
def test_forty_rules_about_paths_are_not_run_one_by_one(form: str) -> None:
    assert not Specializer(loads(text(form, 40)).program.terms).is_compiled


@pytest.mark.parametrize(
    "form", ["path MATCHES '{n}'", "path GLOB '[{n}]*'", "(path STARTSWITH workload_id OR transfer_size == {n})"]
)
def test_tests_without_a_literal_are_run(form: str) -> None:
    assert Specializer(loads(text(form, 40)).program.terms).is_compiled


def test_few_rules_about_paths_are_run() -> None:
    assert Specializer(loads(text(FORMS[0], 12)).program.terms).is_compiled


def test_a_decision_names_the_rules_whose_paths_fit() -> None:
    ruleset = loads(text("path GLOB '/data/{n}/*.bin'", 40))
    snapshot = Snapshot()
    for path, wanted in {
        "/data/7/x.bin": ("r7",), "/data/7/x.BIN": (), "/data/71/x.bin": (), "/data/7/.bin": ("r7",),
        "/data/7.bin": (), None: (), "": (), "/data/7/\ud800.bin": ("r7",),
    }.items():  # fmt: skip
        for _ in range(3):
            assert ruleset.evaluate(snapshot, Transfer(path=path)).rules == wanted, path


@pytest.mark.parametrize("most", [0, 1, 20_000, 40_000, 100_000])
def test_a_search_that_has_too_little_memory_finds_all_the_same(most: int) -> None:
    parts = [f"{n * 7919 % 100_003:x}{n % 7}" for n in range(2000)]
    with patch.object(patterns, "MAX_SET_BYTES", most):
        find = substring_finder(parts)
    for n in (0, 17, 1999):
        searched = f"/data/{parts[n]}/{parts[-n]}.bin"
        assert sorted(find(searched)) == [k for k, part in enumerate(parts) if part in searched]
