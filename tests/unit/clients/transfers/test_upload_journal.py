"""A note of an upload that is damaged in any way counts for nothing, and is never an error."""

import os
from pathlib import Path

import pytest

from gpurules.clients.objects.store import PartTag
from gpurules.clients.transfers.upload_journal import SUFFIX, UploadJournal, UploadSource

SOURCE = UploadSource("s3://b/k", "/f", 35, (1, 2, 3), 10)
TAG = PartTag('"etag"', {"ChecksumCRC32": "AAAAAA=="})


@pytest.fixture
def journal(tmp_path):
    """A journal with a note of an upload of which two parts are there."""
    the = UploadJournal(tmp_path / "uploads")
    with the.note(SOURCE) as note:
        note.begin("id")
        note.took(1, TAG)
        note.took(2, TAG)
    return the


def place(journal: UploadJournal) -> Path:
    (path,) = journal.folder.glob(f"*{SUFFIX}")
    return path


def known(journal: UploadJournal):
    with journal.note(SOURCE) as note:
        return note.upload, dict(note.parts)


def test_what_is_noted_is_found_again(journal):
    assert known(journal) == ("id", {1: TAG, 2: TAG})


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]\n", b"null\n", b"1\n", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000 + b"\n", "²\n".encode(),
        bytes(range(256)), bytes(4096), b'{"url": "s3://b/k", "upload": "id"}\n', b"00000000 {}\n",
    ],
    ids=[
        "empty", "list", "null", "number", "brackets", "braces", "digits", "superscript", "binary", "zeros",
        "without checksum", "wrong checksum",
    ],
)  # fmt: skip
def test_a_damaged_note_counts_for_nothing(journal, text):
    place(journal).write_bytes(text)
    assert known(journal) == (None, {})
    assert list(journal.folder.iterdir()) == []


def test_any_bit_that_is_flipped_costs_its_line_and_no_other(journal):
    path = place(journal)
    good = path.read_bytes()
    header, first, _ = good.splitlines(keepends=True)
    for offset in range(len(good)):
        path.write_bytes(good[:offset] + bytes([good[offset] ^ 1]) + good[offset + 1 :])
        upload, parts = known(journal)
        if offset < len(header):
            assert (upload, parts) == (None, {})
        elif offset < len(header) + len(first):
            assert (upload, parts in ({2: TAG}, {})) == ("id", True)  # its end joins it with the next
        else:
            assert (upload, parts) == ("id", {1: TAG})


def test_a_note_of_any_length_says_what_it_has(journal):
    path = place(journal)
    good = path.read_bytes()
    seen = set()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        upload, parts = known(journal)
        assert all(parts[number] == TAG for number in parts)
        seen.add((upload, len(parts)))
    assert seen == {(None, 0), ("id", 0), ("id", 1), ("id", 2)}  # the end of the last line may be missing


def link(path, victim):
    path.symlink_to(victim)


def hard_link(path, victim):
    os.link(victim, path)


def fifo(path, _):
    os.mkfifo(path)


def folder(path, _):
    path.mkdir()


@pytest.mark.parametrize("make", [link, hard_link, fifo, folder])
def test_what_is_no_regular_file_is_neither_followed_nor_waited_for(journal, tmp_path, make):
    path, victim = place(journal), tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.unlink()
    make(path, victim)
    with journal.note(SOURCE) as note:
        note.begin("new")
        note.took(1, TAG)
        note.forget()
    assert journal.sweep(-1, lambda *_: True) == 0
    assert victim.read_bytes() == b"precious"


def test_a_sweep_goes_past_what_it_cannot_read(journal):
    (journal.folder / f"0{SUFFIX}").write_bytes(b"[" * 100_000)
    (journal.folder / f"1{SUFFIX}").mkdir()
    os.mkfifo(journal.folder / f"2{SUFFIX}")
    assert journal.sweep(-1, lambda url, upload: (url, upload) == ("s3://b/k", "id")) == 1
