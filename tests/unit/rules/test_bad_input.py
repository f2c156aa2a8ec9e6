"""Hostile and broken input: a diagnostic or a documented value, in little time and memory, and never a traceback."""

import resource
import tracemalloc
from pathlib import Path

import pytest

from gpurules.linter import lint, lints
from gpurules.model import FactError, Snapshot, Transfer, Workload
from gpurules.rules import Condition, ConditionError, RulesetError, load, loads

HEAD = "version: 1\nname: bad\n"


def refused(text: str) -> list[str]:
    """Return the codes of the errors that a condition is refused with."""
    with pytest.raises(ConditionError) as caught:
        Condition(text)
    return [d.code for d in caught.value.diagnostics]


def codes(text: str | bytes) -> list[str]:
    """Return the codes of the errors of a ruleset."""
    with pytest.raises(RulesetError) as caught:
        loads(text)
    errors = [d.code for d in caught.value.diagnostics]
    assert set(errors) <= {d.code for d in lints(text)}
    return errors


def rule(condition: str, more: str = "") -> str:
    return f"{HEAD}{more}\nrules:\n  - name: a\n    condition: {condition}\n    action: pause_transfer\n"


# conditions


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 20_000 + "TRUE" + ")" * 20_000,
        "NOT " * 15_000 + "TRUE",
        "-" * 50_000 + "1 < 2",
        "abs(" * 10_000 + "1" + ")" * 10_000 + " > 0",
        "gpu_memory > " + "(" * 201 + "80" + ")" * 201,
        "NOT " * 201 + "TRUE",
    ],
    ids=["open", "brackets", "not", "minus", "calls", "201 brackets", "201 not"],
)
def test_nesting_beyond_the_limit_is_diagnosed(text: str) -> None:
    assert set(refused(text)) <= {"GPR009", "GPR003"}


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200 + "gpu_memory > 80" + ")" * 200,
        "NOT " * 200 + "gpu_throttled",
        "gpu_memory > " + "-" * 200 + "80",
        "abs(" * 199 + "gpu_memory" + ")" * 199 + " > 80",
        "(gpu_memory > 1 AND " * 199 + "gpu_throttled" + ")" * 199,
        "(gpu_memory > 1 OR NOT " * 99 + "gpu_throttled" + ")" * 99,
        "gpu_memory > " + "(1 + 2 * " * 199 + "3" + ")" * 199,
    ],
    ids=["brackets", "not", "minus", "calls", "and", "or not", "arithmetic"],
)
def test_nesting_up_to_the_limit_works_to_the_end(text: str) -> None:
    current = Snapshot.from_dict({"gpus": [{"memory": 90, "throttled": True}]})
    result = Condition(text).evaluate(current)
    assert result.value in (True, False)
    ruleset = loads(rule(f"'{text}'"))
    decision = ruleset.evaluate(current)
    assert (len(decision.matched) == 1) is result.value
    assert decision.explain()


@pytest.mark.parametrize("joint", [" AND ", " OR "])
def test_a_flat_chain_is_no_nesting_however_long(joint: str) -> None:
    condition = Condition(joint.join(["gpu_memory > 80"] * 3000))
    assert condition.evaluate(Snapshot.from_dict({"gpus": [{"memory": 90}]})).value is True


def test_a_long_sum_is_no_nesting() -> None:
    text = "gpu_memory_used " + "+ 1 " * 10_000 + "> 10B"
    assert Condition(text).evaluate(Snapshot.from_dict({"gpus": [{"memory_used": 1}]})).value is True


def test_a_condition_of_64_kib_is_the_longest() -> None:
    text = "gpu_memory > 80 #"
    assert Condition(text + "x" * (64 * 1024 - len(text)))
    assert refused(text + "x" * (64 * 1024 - len(text) + 1)) == ["GPR009"]


def test_the_length_counts_in_bytes_of_utf8() -> None:
    text = "gpu_memory > 80 #"
    assert Condition(text + "é" * 32_000)
    assert refused(text + "é" * 33_000) == ["GPR009"]


def test_a_list_of_thousands_is_a_set() -> None:
    members = ", ".join(f"'tenant-{number}'" for number in range(4000))
    condition = Condition(f"path IN ({members})")
    assert condition.evaluate(Snapshot(), transfer=Transfer(path="tenant-3999")).value is True


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "# only a remark"])
def test_an_empty_condition_is_said_to_be_empty(text: str) -> None:
    assert refused(text) == ["GPR003"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gpu_memory > 1e999", "GPR009"),
        ("gpu_memory > 1e99999999999", "GPR009"),
        ("gpu_memory > " + "9" * 5000, "GPR009"),
        ("gpu_memory\x00 > 80", "GPR007"),
        ("gpu_memory\u00a0> 80", "GPR007"),
        ("gpu_memory > 80\ud800", "GPR007"),
        ("gpu_mem\u043ery > 80", "GPR007"),
        ("path == 'a\nb'", "GPR003"),
        ("path == 'a\\", "GPR003"),
        ("path MATCHES '" + "(" * 1000 + "'", "GPR118"),
        ("path MATCHES '(a{1000}){1000}'", "GPR118"),
    ],
    ids=repr,
)
def test_odd_characters_and_numbers_are_named(text: str, code: str) -> None:
    assert code in refused(text)


def test_a_pattern_that_stalls_other_engines_is_answered_at_once() -> None:
    condition = Condition("path MATCHES '^(a+)+$'")
    assert condition.evaluate(Snapshot(), transfer=Transfer(path="a" * 50_000 + "b")).value is False


def test_a_glob_of_many_stars_is_answered_at_once() -> None:
    condition = Condition(f"path GLOB '{'*a' * 30}b'")
    assert condition.evaluate(Snapshot(), transfer=Transfer(path="a" * 5_000)).value is False


# files


def test_a_file_of_eleven_mib_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (11 * 1024 * 1024))
    tracemalloc.start()
    (found,) = lint(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.code == "GPR009"
    assert peak < 40 * 1024 * 1024
    with pytest.raises(RulesetError):
        load(path)


def test_a_text_of_eleven_mib_is_refused() -> None:
    assert codes("#" * (11 * 1024 * 1024)) == ["GPR009"]


def test_a_directory_is_no_ruleset(tmp_path: Path) -> None:
    (found,) = lint(tmp_path)
    assert (found.code, found.path) == ("GPR001", str(tmp_path))
    with pytest.raises(RulesetError, match="directory"):
        load(tmp_path)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RulesetError, match=r"No such file|not be read"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["gpurules:", "gpurules:none", "gpurules:../../etc/passwd", "a\x00b", "x" * 5000])
def test_an_odd_name_of_a_file_is_diagnosed(name: str) -> None:
    assert [d.severity for d in lint(name)] == ["error"]
    with pytest.raises(RulesetError):
        load(name)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "GPR405"),
        (b"# nothing\n", "GPR405"),
        (b"just a text", "GPR405"),
        (b"- a\n- list", "GPR405"),
        (b"version: 1\nname: \xff\xfe", "GPR010"),
        (b"\xff\xfev\x00e\x00r\x00", "GPR010"),
        (b"version: 1\x00", "GPR001"),
        (b"a: b: c", "GPR001"),
        (b"\tversion: 1", "GPR001"),
        (b"version: 1\n---\nversion: 1", "GPR001"),
        (b"a: *nowhere", "GPR001"),
        (b"a: &x [*x]", "GPR009"),
        (b"a: !!python/object/apply:os.system ['true']", "GPR001"),
        (b"{" * 5000, "GPR009"),
        (b"[" * 100_000, "GPR009"),
        (b"a: " * 5000, "GPR001"),
        (b"- " * 50_000, "GPR009"),
        (b"? " * 50_000, "GPR009"),
        (b"&a " * 50_000, "GPR001"),
        (b"'" * 99_999, "GPR001"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_file_that_is_no_ruleset_is_diagnosed(data: bytes, code: str) -> None:
    assert code in codes(data)


def test_an_alias_bomb_is_defused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert codes(HEAD + bomb) == ["GPR009"]


def test_a_merge_bomb_is_defused() -> None:
    bomb = "x-0: &m0 {k0: 1, j0: 1}\n" + "".join(
        f"x-{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, 30)
    )
    assert "GPR009" in codes(HEAD + bomb + "rules: []\n")


def test_duplicate_keys_show_both_places() -> None:
    (found,) = [d for d in lints(rule("gpu_memory > 80\n    condition: gpu_memory > 90")) if d.severity == "error"]
    assert (found.code, found.line) == ("GPR002", 7)
    assert found.related[0].location.line == 6


# definitions


def defined(lines: list[str], condition: str) -> str:
    return rule(condition, "define:\n" + "\n".join(f"  {line}" for line in lines))


def test_ten_thousand_definitions_in_a_chain_are_no_recursion() -> None:
    lines = ["d0: gpu_memory > 80"] + [f"d{n}: d{n - 1}" for n in range(1, 10_000)]
    text = defined(lines, "d9999")
    try:
        ruleset = loads(text)
    except RulesetError as error:
        assert {d.code for d in error.diagnostics} == {"GPR009"}
    else:
        assert ruleset.evaluate(Snapshot.from_dict({"gpus": [{"memory": 90}]})).rules == ("a",)


@pytest.mark.parametrize("joint", ["AND", "OR", "=="])
def test_definitions_that_double_are_stopped(joint: str) -> None:
    lines = ["d0: gpu_throttled"] + [f"d{n}: (d{n - 1}) {joint} (d{n - 1})" for n in range(1, 60)]
    assert set(codes(defined(lines, "d59"))) == {"GPR009"}


def test_arithmetic_that_doubles_is_stopped() -> None:
    lines = ["d0: 1"] + [f"d{n}: (d{n - 1} * d{n - 1}) + (d{n - 1} + 1)" for n in range(1, 60)]
    assert set(codes(defined(lines, "d59 > 0"))) == {"GPR009"}


def test_a_chain_of_deep_definitions_is_stopped_before_it_is_too_high() -> None:
    lines = ["d0: gpu_throttled"] + [f"d{n}: {'NOT (' * 90}d{n - 1}{')' * 90}" for n in range(1, 50)]
    assert set(codes(defined(lines, "d49"))) == {"GPR009"}


@pytest.mark.parametrize("count", [1, 2, 500])
def test_a_circle_of_definitions_is_one_finding(count: int) -> None:
    lines = [f"d{n}: NOT d{(n + 1) % count}" for n in range(count)]
    assert codes(defined(lines, "d0")) == ["GPR115"]


def test_a_circle_of_signals_is_one_finding() -> None:
    signals = "signals:\n  s: {condition: t}\n  t: {condition: gpu_memory > 80, until: NOT s}"
    assert codes(rule("s", signals)) == ["GPR115"]


def test_a_chain_of_a_thousand_signals_is_no_recursion() -> None:
    signals = "signals:\n  s0: {condition: gpu_memory > 80}\n" + "".join(
        f"  s{n}: {{condition: s{n - 1}}}\n" for n in range(1, 1000)
    )
    try:
        ruleset = loads(rule("s999", signals))
    except RulesetError as error:
        assert {d.code for d in error.diagnostics} == {"GPR009"}
    else:
        assert ruleset.evaluate(Snapshot.from_dict({"gpus": [{"memory": 90}]})).rules == ("a",)


def test_signals_that_double_are_stopped() -> None:
    signals = "signals:\n  s0: {condition: gpu_throttled}\n" + "".join(
        f"  s{n}: {{condition: s{n - 1} AND s{n - 1} OR NOT s{n - 1}}}\n" for n in range(1, 40)
    )
    assert set(codes(rule("s39", signals))) == {"GPR009"}


def test_large_definitions_used_by_many_rules_are_stopped() -> None:
    lines = ["d0: gpu_throttled"] + [f"d{n}: d{n - 1} OR (d{n - 1})" for n in range(1, 14)]
    rules = "".join([f"  - {{name: r{n}, condition: d13, action: pause_transfer}}\n" for n in range(100)])
    assert set(codes(f"{HEAD}define:\n" + "".join(f"  {line}\n" for line in lines) + f"rules:\n{rules}")) == {"GPR009"}


# bases


def test_bases_that_extend_each_other_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{HEAD}extends: [b.yaml]\n")
    (tmp_path / "b.yaml").write_text(f"{HEAD}extends: [a.yaml]\n")
    assert "GPR411" in [d.code for d in lint(tmp_path / "a.yaml")]


def test_a_chain_of_a_thousand_bases_is_stopped(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.yaml").write_text(f"{HEAD}extends: [{number + 1}.yaml]\n")
    assert "GPR009" in [d.code for d in lint(tmp_path / "0.yaml")]


def test_a_base_that_is_no_file_is_named(tmp_path: Path) -> None:
    for name in (".", "none.yaml", "/dev/null/x", "\\u0000"):
        (tmp_path / "a.yaml").write_text(f'{HEAD}extends: ["{name}"]\n')
        assert {d.severity for d in lint(tmp_path / "a.yaml")} == {"error"}


# size


@pytest.mark.slow
def test_a_file_of_a_hundred_thousand_rules_is_refused_within_memory() -> None:
    order = "action: delay_transfer,parameters: {delay: 3s}"
    lines = "".join([f"- {{name: r{n}, condition: gpu_memory>{n % 100},{order}}}\n" for n in range(100_000)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RulesetError, match="GPR009"):
        loads(f"{HEAD}rules:\n{lines}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024 * 1024


@pytest.mark.slow
def test_thousands_of_mistakes_are_all_reported() -> None:
    lines = "".join([f"  - {{name: r{n}, condition: gpu_memroy > 80, action: pause_transfr}}\n" for n in range(1000)])
    assert len(codes(f"{HEAD}rules:\n{lines}")) == 2000


# facts


@pytest.mark.parametrize(
    "data", [None, [], "x", 7, {"gpus": 1}, {"gpus": [1]}, {"timestamp": "x"}, {"timestamp": 1e999}]
)
def test_facts_of_another_shape_are_refused_by_one_kind_of_error(data: object) -> None:
    with pytest.raises(FactError):
        Snapshot.from_dict(data)


@pytest.mark.parametrize("data", [None, [], "x", 7])
def test_transfers_and_workloads_of_another_shape_are_refused(data: object) -> None:
    for kind in (Transfer, Workload):
        with pytest.raises(FactError):
            kind.from_dict(data)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "80", [80], True, 10**400, -(10**400)], ids=repr)
def test_a_number_that_is_none_is_missing(value: object) -> None:
    current = Snapshot.from_dict({"gpus": [{"memory_used": value, "temperature": 50}]})
    assert current.gpus[0].memory_used is None
    assert Condition("gpu_memory_used > 0").evaluate(current).value is None
    assert Transfer.from_dict({"size": value}).size is None
