"""A ruleset depends on its bases, and on theirs."""

from pathlib import Path

import pytest

from gpurules.rules.files.dependents import dependents

FILES = {
    "site.yaml": "",
    "rack.yaml": "extends: [./site.yaml]",
    "node.yaml": "extends: [{from: rack.yaml, with: {limit: 3}}]",
    "lone.yaml": "x-note: 'this extends nothing'",
    "shipped.yaml": "extends: [gpurules:thermal]",
    "one.yaml": "extends: [two.yaml]",
    "two.yaml": "extends: [one.yaml, site.yaml]",
    "torn.yaml": "extends: [site.yaml",
    "odd.yaml": "extends: 3",
    "orphan.yaml": "extends: [gone.yaml]",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(f"version: 1\nname: n\n{text}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (["site.yaml"], ["node.yaml", "one.yaml", "rack.yaml", "two.yaml"]),
        (["rack.yaml"], ["node.yaml"]),
        (["node.yaml"], []),
        (["one.yaml"], ["one.yaml", "two.yaml"]),
        (["gone.yaml"], ["orphan.yaml"]),
        (["lone.yaml", "odd.yaml"], []),
        ([], []),
    ],
)
def test_what_extends_a_changed_file_is_found_however_far(folder: Path, changed: list[str], found: list[str]) -> None:
    everything = [str(folder / name) for name in sorted(FILES)]
    reported = dependents([str(folder / name) for name in changed], everything)
    assert [Path(path).name for path in reported] == found


def test_a_base_is_followed_that_is_no_candidate_itself(folder: Path) -> None:
    node = str(folder / "node.yaml")
    assert dependents([str(folder / "site.yaml")], [node]) == [node]


def test_each_file_is_read_once(folder: Path) -> None:
    read: list[str] = []

    def reading(path: str) -> bytes:
        read.append(Path(path).name)
        return Path(path).read_bytes()

    dependents([str(folder / "elsewhere.yaml")], [str(folder / name) for name in FILES] * 2, reading)
    assert sorted(set(read)) == sorted(read)
