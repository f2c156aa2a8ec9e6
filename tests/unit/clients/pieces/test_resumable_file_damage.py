"""What is left of an interrupted download is damaged in every way: only bytes that are right are kept."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from gpurules.clients.objects.store import ObjectFacts, StoreError
from gpurules.clients.pieces.piece_journal import MAX_BYTES
from gpurules.clients.pieces.resumable_file import JOURNAL_SUFFIX, PART_SUFFIX, Piece, ResumableFile, pieces

URL, PIECE = "s3://b/k", 10
DATA = b"a" * 10 + b"b" * 10 + b"c" * 10 + b"d" * 5
FACTS = ObjectFacts(len(DATA), '"tag"')


def fill(partial: ResumableFile, *wanted: Piece) -> None:
    for piece in wanted:
        list(partial.fill(piece, [DATA[piece.start : piece.start + piece.size]]))


def parts(folder: Path) -> tuple[Path, Path]:
    return folder / f".f{PART_SUFFIX}", folder / f".f{JOURNAL_SUFFIX}"


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A download of which the first three pieces are there."""
    partial = ResumableFile.lock(tmp_path / "f")
    partial.begin(URL, FACTS, PIECE)
    fill(partial, *pieces(len(DATA), PIECE)[:3])
    partial.close()
    return tmp_path


def resume(folder: Path) -> tuple[int, ...]:
    """Download the rest, and return the starts of the pieces that were missing."""
    partial = ResumableFile.lock(folder / "f")
    partial.is_begun_with(URL, PIECE)
    partial.begin(URL, FACTS, PIECE)
    missing = tuple(partial.missing(FACTS, PIECE))
    fill(partial, *missing)
    partial.publish()
    assert (folder / "f").read_bytes() == DATA
    return tuple(piece.start for piece in missing)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def replaced(part: Path, data: bytes) -> None:
    other = part.with_name("other")
    other.write_bytes(data)
    other.chmod(0o600)
    other.replace(part)


def deleted(part: Path, size: int) -> None:
    part.unlink()


def test_an_undamaged_beginning_is_used(cut):
    assert resume(cut) == (30,)
    assert [path.name for path in cut.iterdir()] == ["f"]


@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        (lambda part: part.unlink(), (0, 10, 20, 30)),
        (lambda part: os.truncate(part, 0), (0, 10, 20, 30)),
        (lambda part: os.truncate(part, 15), (10, 20, 30)),
        (lambda part: os.truncate(part, 29), (20, 30)),
        (lambda part: os.truncate(part, 1000), (30,)),
        (lambda part: part.write_bytes(bytes(len(DATA))), (0, 10, 20, 30)),
        (lambda part: flip(part, 0), (0, 30)),
        (lambda part: flip(part, 19), (10, 30)),
        (lambda part: replaced(part, b"x" * len(DATA)), (0, 10, 20, 30)),
        (lambda part: replaced(part, DATA[:20] + b"x" * 15), (0, 10, 20, 30)),
    ],
    ids=[
        "deleted", "emptied", "shortened", "shortened by a byte", "longer", "zeros", "first bit", "a bit",
        "replaced", "replaced by one that is half right",
    ],
)  # fmt: skip
def test_only_the_pieces_that_the_part_file_has_are_kept(cut, damage, missing):
    damage(parts(cut)[0])
    assert resume(cut) == missing
    assert [path.name for path in cut.iterdir()] == ["f"]


def lines_of(journal: Path) -> list[bytes]:
    return journal.read_bytes().splitlines(keepends=True)


DAMAGED = {
    "empty": lambda _: b"",
    "[]": lambda _: b"[]\n",
    "null": lambda _: b"null\n",
    "a number": lambda _: b"1\n",
    "a string": lambda _: b'"text"\n',
    "brackets": lambda _: b"[" * 100_000,
    "braces": lambda _: b'{"a":' * 100_000,
    "binary": lambda _: bytes(range(256)) * 10,
    "zeros": lambda _: bytes(4096),
    "not UTF-8": lambda _: b"\xff\xfe\n",
    "a line of digits": lambda _: b"9" * 5_000 + b"\n",
    "the journal of an earlier release": lambda _: b'{"url": "s3://b/k", "size": 35, "etag": "tag"}\n0\n10\n20\n',
    "a superscript digit": lambda lines: lines[0] + "²\n".encode(),
    "a record of 5,000 digits": lambda lines: lines[0] + b"9" * 5_000 + b" 00000000\n",
    "a start past 64 bits": lambda lines: lines[0] + b"9999999999999999999 00000000\n",
    "a negative start": lambda lines: lines[0] + b"-10 00000000\n",
    "a start between pieces": lambda lines: lines[0] + b"5 00000000\n",
    "without checksums": lambda lines: lines[0] + b"0\n10\n20\n30\n",
    "without its header": lambda lines: b"".join(lines[1:]),
    "a header that was torn": lambda lines: lines[0][:-20],
    "of another part file": lambda lines: lines[0].replace(lines[0].split()[-1], b"1") + b"".join(lines[1:]),
    "too large": lambda lines: b"".join(lines) + bytes(MAX_BYTES),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_journal_means_to_start_over(cut, kind):
    journal = parts(cut)[1]
    journal.write_bytes(DAMAGED[kind](lines_of(journal)))
    assert resume(cut) == (0, 10, 20, 30)
    assert [path.name for path in cut.iterdir()] == ["f"]


@pytest.mark.parametrize(
    ("extra", "missing"),
    [(b"30 00000000\n", (30,)), (b"30 0000", (30,)), (b"0 00000000\n", (0, 30)), (b"\n\n\xff\n", (30,))],
    ids=["claims more than was written", "torn", "another checksum", "rubbish at its end"],
)
def test_a_journal_that_is_wrong_in_one_line_costs_that_piece(cut, extra, missing):
    with parts(cut)[1].open("ab") as file:
        file.write(extra)
    assert resume(cut) == missing


def as_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def as_hard_link(path: Path, victim: Path) -> None:
    os.link(victim, path)


def as_fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def as_folder(path: Path, _: Path) -> None:
    path.mkdir()
    (path / "file").touch()


def as_socket(path: Path, _: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


@pytest.mark.parametrize("make", [as_link, as_hard_link, as_fifo, as_folder, as_socket])
@pytest.mark.parametrize("which", [0, 1], ids=["part", "journal"])
def test_what_is_no_regular_file_is_never_followed_nor_waited_for(cut, make, which, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(cut)
    victim = tmp_path_factory.mktemp("elsewhere") / "victim"
    victim.write_bytes(b"precious")
    place = parts(cut)[which]
    place.unlink()
    try:
        make(place, victim)
    except OSError:
        os.link(victim, place) if make is as_hard_link else pytest.skip("not possible here")
    assert resume(cut) == (0, 10, 20, 30)
    assert victim.read_bytes() == b"precious"


def test_a_link_to_nowhere_creates_nothing_there(tmp_path):
    for place in parts(tmp_path):
        place.symlink_to(tmp_path / "nowhere")
    assert resume(tmp_path) == (0, 10, 20, 30)
    assert not (tmp_path / "nowhere").exists()


def test_a_part_file_that_is_replaced_on_the_way_is_not_published(tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    partial = ResumableFile.lock(tmp_path / "f")
    partial.begin(URL, FACTS, PIECE)
    fill(partial, *pieces(len(DATA), PIECE))
    replaced(parts(tmp_path)[0], b"x" * len(DATA))
    with pytest.raises(StoreError, match="another program"):
        partial.publish()
    assert (tmp_path / "f").read_bytes() == b"old"


@pytest.mark.parametrize("size", [0, 34, 36])
def test_a_part_file_of_another_length_is_not_published(tmp_path, size):
    (tmp_path / "f").write_bytes(b"old")
    partial = ResumableFile.lock(tmp_path / "f")
    partial.begin(URL, FACTS, PIECE)
    fill(partial, *pieces(len(DATA), PIECE))
    os.truncate(parts(tmp_path)[0], size)
    with pytest.raises(StoreError, match="another program"):
        partial.publish()
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_what_is_not_complete_is_not_published(tmp_path):
    partial = ResumableFile.lock(tmp_path / "f")
    partial.begin(URL, FACTS, PIECE)
    fill(partial, *pieces(len(DATA), PIECE)[:3])
    with pytest.raises(StoreError, match="3 of 4 pieces"):
        partial.publish()
    partial.close()
    assert not (tmp_path / "f").exists()


def test_a_check_that_raises_leaves_what_is_there_and_no_lock(cut):
    partial = ResumableFile.lock(cut / "f")
    with pytest.raises(ZeroDivisionError):
        partial.begin(URL, FACTS, PIECE, check=lambda: 1 / 0)
    partial.close()
    assert resume(cut) == (30,)


def test_one_who_never_begins_leaves_what_is_there(cut):
    ResumableFile.lock(cut / "f").close()
    assert resume(cut) == (30,)


def open_below(folder: Path) -> list[Path]:
    """Return what this process has open below *folder*; what other threads open and close is not counted."""
    opened = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the listing itself
            opened.append(link.readlink())
    return [path for path in opened if path.is_relative_to(folder)]


def test_no_damage_leaks_a_descriptor(cut):
    for damage in DAMAGED.values():
        journal = parts(cut)[1]
        journal.write_bytes(damage([b"header\n"]))
        held = ResumableFile.lock(cut / "f")
        assert open_below(cut)
        held.close()
    assert not open_below(cut)
