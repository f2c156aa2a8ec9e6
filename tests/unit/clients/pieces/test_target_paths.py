"""Names beside a target fit wherever the target itself does, and new files have the permissions of new files."""

import os
import subprocess
import sys
import threading

import pytest

from gpurules.clients.objects.store import ObjectFacts
from gpurules.clients.pieces.resumable_file import JOURNAL_SUFFIX, PART_SUFFIX, Piece, ResumableFile
from gpurules.clients.pieces.target_paths import LONGEST_SUFFIX, checked_path, is_stream, stem_beside, umask

FACTS = ObjectFacts(5, '"tag"')
NAMES = [
    *("x" * length for length in (1, 190, 191, 192, 236, 237, 245, 250, 254, 255)),
    "ä" * 127,
    "ä" * 95 + "x",
    "日" * 85,
    "🙂" * 63 + "abc",
    "-" * 255,
    " " * 255,
    os.fsdecode(b"\xff" * 255),
]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{len(os.fsencode(name))} bytes")
def test_every_name_that_fits_can_be_downloaded_to(tmp_path, name):
    target = tmp_path / name
    first = ResumableFile.lock(target)
    second = ResumableFile.lock(target)  # under a name of its own, which is longer
    for partial in (second, first):
        partial.begin("s3://b/k", FACTS, 10)
        assert list(partial.fill(Piece(0, 5), [b"right"])) == [5]
    assert all(len(os.fsencode(found)) <= 255 for found in names(tmp_path))
    second.publish()
    first.publish()
    assert (names(tmp_path), target.read_bytes()) == ([name], b"right")


@pytest.mark.parametrize("name", ["x" * 250, "short"])
def test_what_is_there_of_a_long_name_is_gone_on_with(tmp_path, name):
    facts = ObjectFacts(15, '"tag"')
    partial = ResumableFile.lock(tmp_path / name)
    partial.begin("s3://b/k", facts, 10)
    list(partial.fill(Piece(0, 10), [b"a" * 10]))
    partial.close()
    assert len(names(tmp_path)) == 2
    again = ResumableFile.lock(tmp_path / name)
    assert again.begin("s3://b/k", facts, 10) and tuple(again.missing(facts, 10)) == (Piece(10, 5),)
    again.close()


def test_long_names_that_begin_alike_do_not_share_what_lies_beside_them(tmp_path):
    stems = {stem_beside(tmp_path / ("x" * 254 + last)) for last in "abc"} | {stem_beside(tmp_path / ("x" * 254))}
    assert len(stems) == 4


def test_the_room_for_a_suffix_is_enough_for_each_that_is_used():
    own = f".{2**22}.{2**64:x}"
    assert len(own + max(PART_SUFFIX, JOURNAL_SUFFIX, key=len)) <= LONGEST_SUFFIX


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o027, 0o077])
def test_a_published_file_has_the_permissions_of_a_new_one_and_is_private_until_then(tmp_path, mask):
    before = os.umask(mask)
    try:
        partial = ResumableFile.lock(tmp_path / "f")
        partial.begin("s3://b/k", FACTS, 10)
        list(partial.fill(Piece(0, 5), [b"right"]))
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        partial.publish()
        (tmp_path / "plain").touch()
        assert umask() == mask
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_permissions_of_other_threads_are_not_touched(tmp_path):
    """Files that another thread makes meanwhile are never without their mask, as they are where it is set and reset."""
    stop, seen = threading.Event(), set()

    def make():
        number = 0
        while not stop.is_set() and number < 2000:
            path = tmp_path / f"theirs-{number % 50}"
            path.unlink(missing_ok=True)
            path.touch()
            seen.add(path.stat().st_mode & 0o777)
            number += 1

    thread = threading.Thread(target=make)
    thread.start()
    for _ in range(200):
        umask()
    stop.set()
    thread.join()
    assert seen == {0o666 & ~umask()}


def test_where_the_mask_is_unknown_files_stay_private(monkeypatch):
    def gone(*_, **__):
        raise OSError("no /proc")

    monkeypatch.setattr("gpurules.clients.pieces.target_paths.Path.read_text", gone)
    assert umask() == 0o077


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make devices")
def test_devices_are_streams(tmp_path):
    os.mknod(tmp_path / "null", 0o20666, os.makedev(1, 3))
    assert is_stream(tmp_path / "null")
    assert not is_stream(tmp_path / "new")


def test_standard_output_is_written_to_even_where_it_is_a_file(tmp_path):
    script = "from gpurules.clients.pieces.target_paths import is_stream; from pathlib import Path; import sys\n"
    script += "sys.exit(0 if all(is_stream(Path(p)) for p in ('/dev/stdout', '/dev/fd/1', '/proc/self/fd/1')) else 3)"
    with (tmp_path / "out").open("wb") as out:
        assert subprocess.run([sys.executable, "-c", script], stdout=out, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("path", ["f", b"f", os.fsencode("ä")])
def test_paths_come_as_text_and_bytes(path):
    assert checked_path(path).name == os.fsdecode(path)
