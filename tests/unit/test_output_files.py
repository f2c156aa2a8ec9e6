"""Files are written whole or not at all, with the permissions that they should have."""

import errno
import os
import threading
from pathlib import Path

import pytest

from gpurules.output_files import replace_file, write_file


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


def test_output_that_cannot_be_written_whole_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "junit.xml").write_bytes(b"before")
    opened = os.fdopen

    def full(file: int, mode: str) -> object:
        handle = opened(file, mode, buffering=0)
        handle.write(b"half")
        handle.close()
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="no space"):
        write_file(tmp_path / "junit.xml", "after")
    assert left(tmp_path) == [("junit.xml", b"before", 0o644)]


def test_output_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"before")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "after\udc80")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"after\\udc80"


def test_output_to_a_pipe_or_a_device_is_written_to_it(tmp_path: Path) -> None:
    write_file(Path(os.devnull), "x")
    assert Path(os.devnull).is_char_device()
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_file(tmp_path / "pipe", "through")
    reader.join()
    assert read == [b"through"] and (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EACCES, errno.EROFS])
def test_a_file_that_can_be_written_but_not_replaced_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    (tmp_path / "mounted").write_bytes(b"before, and longer")

    def refuse(path: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "replace", refuse)
    write_file(tmp_path / "mounted", "after")
    assert left(tmp_path) == [("mounted", b"after", 0o644)]
    with pytest.raises(OSError):
        write_file(tmp_path / "new", "after")
    assert left(tmp_path) == [("mounted", b"after", 0o644)]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_file(tmp_path / "nowhere" / "report.json", "x")
    assert caught.value.filename == str(tmp_path / "nowhere" / "report.json")


def test_output_to_a_link_that_leads_nowhere_makes_the_file_and_one_in_a_circle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("fresh")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "fresh").read_bytes() == b"new" and (tmp_path / "link").is_symlink()
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as caught:
        write_file(tmp_path / "a", "new")
    assert caught.value.errno == errno.ELOOP and (tmp_path / "a").is_symlink()
