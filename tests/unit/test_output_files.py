"""Files are written whole or not at all, with the permissions that they should have."""

import os
from pathlib import Path

import pytest

from gpurules.output_files import replace_file


def left(folder: Path) -> list[tuple[str, bytes, int]]:
    return [(path.name, path.read_bytes(), path.stat().st_mode & 0o777) for path in folder.iterdir()]


@pytest.mark.parametrize("name", ["short", "x" * 255, "ä" * 127])
def test_a_file_of_any_name_is_replaced_with_the_permissions_that_it_has(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"before")
    (tmp_path / name).chmod(0o604)
    replace_file(tmp_path / name, b"after", mode=None)
    assert left(tmp_path) == [(name, b"after", 0o604)]


def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "report.html", b"new", mode=None)
    finally:
        os.umask(before)
    assert left(tmp_path) == [("report.html", b"new", 0o640)]


def test_what_is_kept_by_gpurules_itself_is_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b"before")
    (tmp_path / "state.json").chmod(0o666)
    replace_file(tmp_path / "state.json", b"after")
    assert left(tmp_path) == [("state.json", b"after", 0o600)]


def test_a_link_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "link").symlink_to("other")
    replace_file(tmp_path / "link", b"mine")
    assert (tmp_path / "other").read_bytes() == b"other"
    assert not (tmp_path / "link").is_symlink()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"before")

    def refuse(path: Path, target: Path) -> None:
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        replace_file(tmp_path / "f", b"after")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("f", b"before")]


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        replace_file(tmp_path / "pipe", b"data")
    assert (tmp_path / "pipe").is_fifo()
