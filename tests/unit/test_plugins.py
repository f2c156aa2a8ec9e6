"""Plug-ins are looked for where distributions say so, and nothing is imported to look."""

import sys
import zipfile
from pathlib import Path

import pytest

from gpurules.plugins import load_plugins, may_have_plugins

OURS = "[gpurules.sources]\nfake = fake:Fake\n"


def offered(folder: Path, name: str, text: str | None) -> str:
    """Make a distribution in *folder* whose entry points are *text*, and return the folder."""
    distribution = folder / name
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Name: fake\nVersion: 1\n")
    if text is not None:
        (distribution / "entry_points.txt").write_text(text)
    return str(folder)


def test_a_folder_without_distributions_has_no_plugins(tmp_path: Path) -> None:
    (tmp_path / "fake.py").touch()
    assert not may_have_plugins([str(tmp_path), str(tmp_path / "gone"), "python.zip"])


@pytest.mark.parametrize("text", [None, "", "[console_scripts]\nfake = fake:main\n"])
def test_a_distribution_without_entry_points_of_ours_has_none(tmp_path: Path, text: str | None) -> None:
    assert not may_have_plugins([offered(tmp_path, "fake-1.dist-info", text)])


@pytest.mark.parametrize("name", ["fake-1.dist-info", "fake.egg-info", "fake-1.egg/EGG-INFO"])
@pytest.mark.parametrize("text", [OURS, OURS.replace("[", "[ ").replace("]", " ]")])
def test_a_distribution_with_entry_points_of_ours_may_have_some(tmp_path: Path, name: str, text: str) -> None:
    assert may_have_plugins([offered(tmp_path, name, text)])


def test_an_archive_may_have_some(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("fake.py", "")
    assert may_have_plugins([str(tmp_path / "all.zip")])


def test_who_else_knows_distributions_may_know_some(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_distributions(self) -> None: ...

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert may_have_plugins([])


def test_a_plugin_of_a_distribution_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake_of_registry.py").write_text("class Fake: pass\n")
    text = OURS.replace("fake:Fake", "fake_of_registry:Fake") + "gone = nowhere_at_all:Gone\n"
    monkeypatch.syspath_prepend(offered(tmp_path, "fake-1.dist-info", text))
    loaded, failed = load_plugins("gpurules.sources")
    assert loaded["fake"].__name__ == "Fake"  # type: ignore[attr-defined]
    assert failed["gone"].startswith("ModuleNotFoundError")
