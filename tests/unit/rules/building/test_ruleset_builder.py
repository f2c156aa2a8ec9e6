"""What the loader builds from merged files."""

from pathlib import Path

from gpurules.linter import lint

BASE = """\
version: 1
name: base
inputs: {limit: {type: number, unit: C, default: 85C}}
define: {full: gpu_memory > 90}
rules: [{name: hot, condition: gpu_temperature > limit AND full, action: pause_transfer}]
"""


def test_who_extends_a_base_need_not_use_all_that_it_defines(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    own = tmp_path / "own.yaml"
    own.write_text(
        "version: 1\nname: own\nextends: [base.yaml]\nrules:\n"
        "  - {name: hot, remove: true}\n  - {name: a, condition: gpu_power > 1W, action: pause_transfer}\n"
    )
    assert lint(own) == []


def test_a_definition_of_the_file_itself_that_nothing_uses_is_found(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(BASE.replace(" AND full", ""))
    assert [(d.code, d.line) for d in lint(own)] == [("GPR111", 4)]
