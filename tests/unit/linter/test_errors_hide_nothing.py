"""An error in one rule hides no finding of another, and one mistake gives one finding."""

from collections import Counter
from pathlib import Path

import pytest

from gpurules.diagnostics import CATALOGUE, Diagnostic
from gpurules.linter import Policy, lint, lints
from gpurules.rules import examine
from tests.cases import representative

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "checks"
EVERYTHING = Policy(frozenset(CATALOGUE) - {"GPR704", "GPR901"})
BROKEN = {
    "an unknown name": "condition: gpu_nonsense > 1, action: pause_transfer",
    "a wrong type": "condition: gpu_memory > 'a', action: pause_transfer",
    "a syntax error": "condition: 'gpu_memory >', action: pause_transfer",
    "an unknown action": "condition: gpu_power > 1000W, action: pause_transer",
    "a wrong parameter": "condition: gpu_power > 1000W, action: reduce_prefetch, parameters: {reduction_factor: 5}",
    "an unknown key": "condition: gpu_power > 1000W, action: pause_transfer, prioritty: 3",
    "no condition": "action: pause_transfer",
    "a timer over a transfer": "condition: transfer_size > 1GiB, for: 5s, action: pause_transfer",
}


def appended(text: str, rule: str) -> str | None:
    """Return a ruleset with one more rule at its end; None where that is not where its rules end."""
    lines = text.rstrip().splitlines()
    listed = [line for line in lines if line.startswith(("  - ", "- "))]
    is_last = "rules:" in lines and all(line.startswith((" ", "-")) for line in lines[lines.index("rules:") + 1 :])
    if not listed or not is_last or not lines[lines.index("rules:") + 1].lstrip().startswith("- "):
        return None
    indent = lines[lines.index("rules:") + 1].split("-")[0]
    return "\n".join([*lines, f"{indent}- {{name: zz_broken, {rule}}}"]) + "\n"


def places(found: list[Diagnostic]) -> set[tuple[str, int, int, str]]:
    return {(d.code, d.line, d.column, d.message) for d in found if d.rule != "zz_broken"}


LOADING = [
    folder
    for folder in sorted(path for path in GOLDEN.iterdir() if (path / "bad.yaml").is_file())
    if examine((folder / "bad.yaml").read_bytes(), str(folder / "bad.yaml")).ruleset is not None
    and appended((folder / "bad.yaml").read_text(encoding="utf-8"), "") is not None
]


def test_there_are_many_such_files() -> None:
    assert len(LOADING) > 25


@pytest.mark.parametrize("mistake", BROKEN)
@pytest.mark.parametrize("folder", representative(LOADING, 12), ids=lambda folder: folder.name)
def test_a_mistake_in_one_rule_leaves_every_finding_of_the_others(folder: Path, mistake: str) -> None:
    path = str(folder / "bad.yaml")
    before = Path(path).read_text(encoding="utf-8")
    text = appended(before, BROKEN[mistake])
    assert text is not None
    after = lints(text, path, None, EVERYTHING)
    lost = places(lints(before, path, None, EVERYTHING)) - places(after)
    assert not lost
    assert any(d.severity == "error" and d.line == len(text.splitlines()) for d in after)


HEAD = "version: 1\nname: n\n"
PAUSE = "action: pause_transfer"
REDUCE = "condition: gpu_memory > 80, action: reduce_prefetch"


def using(*conditions: str) -> str:
    """Return rules, one for each condition."""
    return "rules:\n" + "".join(f"  - {{name: r{n}, condition: {c}, {PAUSE}}}\n" for n, c in enumerate(conditions))


def ordering(*rules: str) -> str:
    """Return rules with all that they say but their names."""
    return "rules:\n" + "".join(f"  - {{name: r{n}, {rule}}}\n" for n, rule in enumerate(rules))


MERGED = "x-r: &r {condition: gpu_memory > 80, action: delay_transfer, parameters: {dealy: 3s}}\n"
UNTIL = "signals: {s: {condition: gpu_power > 5W, until: gpu_powr < 3W}}\n"
DELAYED = "condition: gpu_memory > 80, action: delay_transfer, parameters: {delay: '${i}'}"
ONE_MISTAKE = {
    "a field of no type": "fields: {rack: {type: strng, scope: node}}\n" + using("rack == 'x'"),
    "a field of no scope": "fields: {rack: {type: number, scope: nod}}\n" + using("rack > 3"),
    "a field that is a text": "fields: {rack: number}\n" + using("rack > 3"),
    "a define with a mistake": "define: {hot: gpu_temp > 5}\n" + using("hot AND gpu_power > 3W", "any(hot)"),
    "a define that is a mapping": "define: {hot: {a: b}}\n" + using("hot OR gpu_memory > 5"),
    "a list of two types": "define: {l: ['a', 3C]}\n" + using("path IN l AND file_type IN l"),
    "a signal with a mistake": "signals: {s: {condition: gpu_temp > 5}}\n" + using("s", "NOT s"),
    "a signal with a misspelled key": "signals: {s: {conditon: gpu_power > 5W}}\n" + using("s"),
    "a wrong end of a signal": UNTIL + using("s"),
    "a signal that is a text": "signals: {s: gpu_memory > 5}\n" + using("s"),
    "an input of no type": "inputs: {i: {type: numbr, default: 3}}\n" + using("gpu_memory > i"),
    "an input with a wrong value": "inputs: {i: {type: number, unit: s, default: soon}}\n" + ordering(DELAYED),
    "a misspelled section": "defins: {hot: gpu_power > 5W}\n" + using("hot"),
    "a misspelled section of fields": "field: {rack: {type: string, scope: node}}\n" + using("rack == 'x'"),
    "a misspelled parameter": ordering(f"{REDUCE}, parameters: {{reduction_facter: 0.5}}"),
    "half the name of a parameter": ordering(f"{REDUCE}, parameters: {{factor: 0.5}}"),
    "misspelled parameters": ordering(f"{REDUCE}, parameter: {{reduction_factor: 0.5}}"),
    "a misspelled action": ordering(f"{REDUCE.replace('action', 'acton')}, parameters: {{reduction_factor: 0.5}}"),
    "another word for a condition": ordering(f"when: gpu_memory > 80, {PAUSE}"),
    "a tag": "define: {hot: !x gpu_power > 5W}\n" + using("hot"),
    "a mistake behind an anchor": "x-c: &c gpu_powr > 5W\n"
    + ordering(f"condition: *c, {PAUSE}", "condition: *c, action: log"),
    "a mistake that is merged": MERGED + ordering("<<: *r", "<<: *r", "<<: *r"),
    "a definition that only a broken rule uses": "define: {hot: gpu_power > 5W}\n" + using("'hot AND'"),
}


@pytest.mark.parametrize("mistake", ONE_MISTAKE)
def test_one_mistake_gives_one_finding(mistake: str) -> None:
    found = lints(HEAD + ONE_MISTAKE[mistake])
    assert len(found) == 1, [f"{d.code} {d.message}" for d in found]
    assert found[0].severity == "error"


def test_a_misspelled_input_says_nothing_of_its_uses(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        f"{HEAD}inputs: {{limit: {{type: number, unit: '%', default: 0}}}}\nrules:\n"
        f"  - {{name: a, condition: gpu_memory >= limit, {PAUSE}}}\n"
    )
    child = tmp_path / "child.yaml"
    child.write_text("version: 1\nname: c\nextends: [{from: base.yaml, with: {limti: 90%}}]\nrules: []\n")
    assert [d.code for d in lint(child)] == ["GPR409"]


def test_rules_of_one_name_are_distinguished_by_their_place() -> None:
    rules = f"rules:\n  - {{name: a, condition: gpu_memory > 90 AND gpu_memory < 5, {PAUSE}}}\n"
    found = lints(HEAD + rules + f"  - {{name: a, condition: gpu_powr > 5W, {PAUSE}}}\n")
    assert Counter(d.code for d in found) == Counter(["GPR201", "GPR301", "GPR101"])
