"""Files that a ruleset or a test may name: those of its project, and of folders that its configuration allows."""

import os
from pathlib import Path

import pytest

from gpurules.rules import examine_file
from gpurules.rules.files.bounds import bounds_of

HEAD = "version: 1\nname: x\n"
BASE = f"{HEAD}rules: [{{name: hot, condition: gpu_temperature > 80, action: log}}]\n"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def codes(path: Path) -> list[str]:
    return [d.code for d in examine_file(path).diagnostics]


def extending(folder: Path, base: str) -> Path:
    return written(folder / "main.rules.yaml", f"{HEAD}extends: ['{base}']\nrules: []\n")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A sound ruleset in a folder beside that of the others."""
    return written(tmp_path / "elsewhere" / "base.rules.yaml", BASE)


WAYS = ["absolute", "relative", "link to the file", "link to its folder", "dots"]


def reference(way: str, outside: Path, folder: Path) -> str:
    """Return how a ruleset in *folder* names the file *outside*."""
    folder.mkdir(parents=True, exist_ok=True)
    match way:
        case "absolute":
            return str(outside)
        case "relative":
            return os.path.relpath(outside, folder)
        case "link to the file":
            (folder / "link.rules.yaml").symlink_to(outside)
            return "link.rules.yaml"
        case "link to its folder":
            (folder / "link").symlink_to(outside.parent)
            return f"link/{outside.name}"
        case _:
            (folder / "sub").mkdir()
            return f"./sub/../../{outside.parent.name}/{outside.name}"


@pytest.mark.parametrize("way", WAYS)
def test_a_base_outside_of_the_folder_is_refused_without_a_project(tmp_path: Path, outside: Path, way: str) -> None:
    folder = tmp_path / "rules"
    path = extending(folder, reference(way, outside, folder))
    (found,) = examine_file(path).diagnostics
    assert (found.code, found.path) == ("GPR408", str(path))
    assert "is not read" in found.message
    assert "allow-extends" in str(found.hint)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("marker", [".git", "gpurules.toml", "pyproject.toml"])
def test_a_base_of_the_same_project_is_read(tmp_path: Path, outside: Path, way: str, marker: str) -> None:
    if marker == ".git":
        (tmp_path / marker).mkdir()
    else:
        written(tmp_path / marker, "[tool.gpurules]\n" if marker == "pyproject.toml" else "")
    folder = tmp_path / "rules"
    assert codes(extending(folder, reference(way, outside, folder))) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("entry", ["{outside}", "../elsewhere", "../elsewhere/base.rules.yaml"])
def test_a_base_in_a_folder_that_the_configuration_allows_is_read(
    tmp_path: Path, outside: Path, way: str, entry: str
) -> None:
    folder = tmp_path / "rules"
    written(folder / "gpurules.toml", f"allow-extends = ['{entry.format(outside=outside.parent)}']\n")
    assert codes(extending(folder, reference(way, outside, folder))) == []


def test_a_base_that_is_allowed_has_bases_of_its_own_folder(tmp_path: Path, outside: Path) -> None:
    middle = written(outside.parent / "middle.rules.yaml", f"{HEAD}extends: [{outside.name}]\nrules: []\n")
    written(tmp_path / "rules" / "gpurules.toml", f"allow-extends = ['{outside.parent}']\n")
    assert codes(extending(tmp_path / "rules", str(middle))) == []


def test_a_base_of_a_base_is_held_to_the_same_bounds(tmp_path: Path, outside: Path) -> None:
    written(tmp_path / "rules" / "middle.rules.yaml", f"{HEAD}extends: ['{outside}']\nrules: []\n")
    assert codes(extending(tmp_path / "rules", "middle.rules.yaml")) == ["GPR408"]


@pytest.mark.parametrize(
    "text", ["allow-extends = 5\n", "allow-extends = ['']\n", "allow-extends = [\n", "x = 1\n", "\0"]
)
def test_a_configuration_that_is_wrong_allows_nothing(tmp_path: Path, outside: Path, text: str) -> None:
    written(tmp_path / "rules" / "gpurules.toml", text)
    assert codes(extending(tmp_path / "rules", str(outside))) == ["GPR408"]


def test_a_shipped_ruleset_is_always_read(tmp_path: Path) -> None:
    assert codes(extending(tmp_path / "rules", "gpurules:default")) == []


@pytest.mark.parametrize("base", ["/proc/self/environ", "/etc/passwd", "/dev/zero", "/proc/self/mem"])
def test_nothing_of_the_system_is_read_or_shown(tmp_path: Path, base: str) -> None:
    path = extending(tmp_path / "rules", base)
    (found,) = examine_file(path).diagnostics
    assert (found.code, found.path, found.line) == ("GPR408", str(path), 3)


def test_a_mounted_config_map_extends_within_itself(tmp_path: Path) -> None:
    """Its files are links to links to a folder that is swapped."""
    written(tmp_path / "..2026" / "base.rules.yaml", BASE)
    extending(tmp_path / "..2026", "base.rules.yaml")
    (tmp_path / "..data").symlink_to("..2026")
    for name in ("main.rules.yaml", "base.rules.yaml"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    assert codes(tmp_path / "main.rules.yaml") == []


def test_a_text_without_a_path_is_of_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bounds_of(None).folders == (tmp_path,)
