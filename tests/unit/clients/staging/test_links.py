"""What replaces the area's own files is never followed, and never written to."""

import os

import pytest

from gpurules.clients.pieces.resumable_file import JOURNAL_SUFFIX, PART_SUFFIX
from tests.unit.clients.staging.conftest import Stored

FOREIGN = b"another file, of no concern to the area" * 100
NAMES = {
    "part": f".{{}}{PART_SUFFIX}",
    "journal": f".{{}}{JOURNAL_SUFFIX}",
    "object": "{}",
    "seal": "{}.seal",
    "lock": "{}.lock",
    "lock of the area": "area.lock",
}


def symbolic(path, foreign):
    path.symlink_to(foreign)


def to_nothing_yet(path, foreign):
    path.symlink_to(foreign.with_name("must-not-appear"))


def hard(path, foreign):
    path.hardlink_to(foreign)


def round_and_round(path, _):
    path.symlink_to(path)


def fifo(path, _):
    os.mkfifo(path)


@pytest.mark.parametrize("how", ["open", "download"])
@pytest.mark.parametrize("put", [symbolic, to_nothing_yet, hard, round_and_round, fifo])
@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("when", ["before the area is opened", "before it is staged", "before it is read again"])
def test_nothing_is_written_or_served_through_a_link(started, tmp_path, what, put, how, when):
    source, foreign = Stored(), tmp_path / "foreign"
    foreign.write_bytes(FOREIGN)
    foreign.chmod(0o600)
    node = started()
    place = node.place(source)
    path = place.with_name(NAMES[what].format(place.name))
    if when == "before it is read again":
        assert node.get(how, source, tmp_path) == source.data
    path.unlink(missing_ok=True)
    put(path, foreign)
    if when == "before the area is opened":
        node = started()
    for one in (node, node, started()):
        assert one.get(how, source, tmp_path) == source.data
    assert foreign.read_bytes() == FOREIGN
    assert not (tmp_path / "must-not-appear").exists()
    assert not place.is_symlink()
    assert node.area.used == len(source.data)


@pytest.mark.parametrize("what", NAMES)
def test_a_directory_in_place_of_a_file_sends_the_transfer_directly(started, tmp_path, what):
    source, node = Stored(), started()
    place = node.place(source)
    path = place.with_name(NAMES[what].format(place.name))
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "kept").write_bytes(FOREIGN)
    for how in ("open", "download"):
        assert started().get(how, source, tmp_path) == source.data
    assert (path / "kept").read_bytes() == FOREIGN
