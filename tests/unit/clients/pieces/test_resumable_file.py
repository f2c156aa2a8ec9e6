import os

import pytest

from gpurules.clients.objects.store import ObjectFacts, TransientStoreError
from gpurules.clients.pieces.resumable_file import Piece, ResumableFile, pieces

FACTS = ObjectFacts(25, '"tag"')


def begun(target, facts=FACTS):
    partial = ResumableFile.lock(target)
    partial.begin("s3://b/k", facts, 10)
    return partial


def fill(partial, piece, data):
    return list(partial.fill(piece, [data]))


def test_pieces_cover_an_object_exactly():
    assert pieces(25, 10) == (Piece(0, 10), Piece(10, 10), Piece(20, 5))
    assert pieces(0, 10) == ()


def test_what_is_there_is_gone_on_with(tmp_path):
    partial = begun(tmp_path / "f")
    fill(partial, Piece(10, 10), b"b" * 10)
    partial.close()
    again = begun(tmp_path / "f")
    assert tuple(again.missing(FACTS, 10)) == (Piece(0, 10), Piece(20, 5))
    fill(again, Piece(0, 10), b"a" * 10)
    fill(again, Piece(20, 5), b"c" * 5)
    again.publish()
    assert (tmp_path / "f").read_bytes() == b"a" * 10 + b"b" * 10 + b"c" * 5
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_another_version_starts_over(tmp_path):
    partial = begun(tmp_path / "f")
    fill(partial, Piece(0, 10), b"a" * 10)
    partial.close()
    other = begun(tmp_path / "f", ObjectFacts(25, '"other"'))
    assert len(tuple(other.missing(FACTS, 10))) == 3
    other.discard()


def test_a_torn_line_of_the_journal_is_not_believed(tmp_path):
    partial = begun(tmp_path / "f")
    fill(partial, Piece(0, 10), b"a" * 10)
    fill(partial, Piece(10, 10), b"b" * 10)
    partial.close()
    journal = next(tmp_path.glob("*.gpurules-journal"))
    os.truncate(journal, journal.stat().st_size - 1)
    again = begun(tmp_path / "f")
    assert tuple(again.missing(FACTS, 10)) == (Piece(10, 10), Piece(20, 5))
    again.discard()


@pytest.mark.parametrize("data", [b"", b"short", b"much too long"])
def test_a_piece_of_another_length_does_not_count(tmp_path, data):
    partial = begun(tmp_path / "f")
    with pytest.raises(TransientStoreError):
        fill(partial, Piece(0, 10), data)
    assert len(tuple(partial.missing(FACTS, 10))) == 3
    partial.close()
    assert list(tmp_path.iterdir()) == []


def test_any_number_that_write_one_target_do_not_meet(tmp_path):
    many = [begun(tmp_path / "f") for _ in range(5)]
    for number, partial in enumerate(many):
        for piece in pieces(25, 10):
            fill(partial, piece, bytes([number]) * piece.size)
    for number, partial in enumerate(many):
        partial.publish()
        assert (tmp_path / "f").read_bytes() == bytes([number]) * 25
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_two_who_write_one_target_do_not_meet(tmp_path):
    first, second = begun(tmp_path / "f"), begun(tmp_path / "f")
    for partial, letter in ((first, b"a"), (second, b"b")):
        for piece in pieces(25, 10):
            fill(partial, piece, letter * piece.size)
    first.publish()
    second.publish()
    assert (tmp_path / "f").read_bytes() == b"b" * 25
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
