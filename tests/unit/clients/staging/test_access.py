"""An area is for one user: no other user reads what is staged, or puts anything there."""

import logging
import os
import stat

import pytest

from gpurules.clients import StagingArea, StagingRefused
from gpurules.clients.staging import StagingAreas
from tests.unit.clients.staging.conftest import Stored

NAMES_AN_AREA = """
version: 1
name: stage
rules:
  - {{name: all, condition: "true", action: stage_transfer, parameters: {{staging_threshold: 0, staging_area: {}}}}}
"""


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_an_area_and_all_that_is_in_it_are_for_this_user_only(started, tmp_path, umask):
    before = os.umask(umask)
    try:
        node, source = started(where=tmp_path / "deep" / "area"), Stored()
        node.read(source)
    finally:
        os.umask(before)
    assert mode(node.area.path) == 0o700
    assert {mode(path) for path in node.area.path.iterdir()} == {0o600}


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o777, 0o1777, 0o720, 0o702])
def test_an_area_that_others_may_write_to_is_refused_with_what_to_do(tmp_path, bits):
    tmp_path.joinpath("area").mkdir()
    tmp_path.joinpath("area").chmod(bits)
    with pytest.raises(StagingRefused, match=rf"mode {bits:04o}\); run: chmod 700 '.*area'"):
        StagingArea(tmp_path / "area", 1000)
    assert not list(tmp_path.joinpath("area").iterdir())


@pytest.mark.parametrize("bits", [0o700, 0o750, 0o755])
def test_an_area_that_others_may_only_look_into_is_taken(started, tmp_path, bits):
    tmp_path.joinpath("area").mkdir()
    tmp_path.joinpath("area").chmod(bits)
    source, node = Stored(), started()
    assert [node.read(source), node.read(source)] == [source.data, source.data]
    assert node.area.counts.hits == 1
    assert mode(node.place(source)) == 0o600


@pytest.mark.parametrize("owner", [1234, 0])
def test_an_area_of_another_user_is_refused_with_what_to_do(tmp_path, monkeypatch, owner):
    tmp_path.joinpath("area").mkdir(mode=0o700)
    own = os.geteuid()
    if own == 0:
        os.chown(tmp_path / "area", owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 4321 if owner == 0 or own else own)
    with pytest.raises(
        StagingRefused, match=r"belongs to user \d+, but this process runs as user \d+; use a separate folder"
    ):
        StagingArea(tmp_path / "area", 1000)


def test_an_area_may_be_reached_by_a_link_of_the_administrator(started, tmp_path):
    tmp_path.joinpath("disk").mkdir(mode=0o700)
    tmp_path.joinpath("area").symlink_to("disk")
    source, node = Stored(), started()
    assert [node.read(source), node.read(source)] == [source.data, source.data]
    assert node.area.counts.hits == 1


def test_an_area_that_others_may_write_to_later_is_no_longer_used(started, tmp_path, caplog):
    source, node = Stored(), started()
    node.read(source)
    node.area.path.chmod(0o777)
    node.place(source).write_bytes(b"planted")
    with caplog.at_level(logging.WARNING):
        assert [node.get(how, source, tmp_path) for how in ("open", "download")] == [source.data] * 2
    assert node.faults == {"staging_refused": 2}
    assert [record.message.count("chmod 700") for record in caplog.records] == [1], "once, and not for each file"


def test_an_area_that_is_replaced_by_one_of_another_user_is_no_longer_used(started, monkeypatch):
    source, node = Stored(), started()
    node.read(source)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert node.read(source) == source.data
    assert node.faults == {"staging_refused": 1}


def test_an_area_that_a_rule_names_and_others_may_write_to_is_not_used(started, tmp_path, caplog):
    tmp_path.joinpath("named").mkdir()
    tmp_path.joinpath("named").chmod(0o777)
    node = started(tmp_path / "named", rules=NAMES_AN_AREA)
    source = Stored()
    with caplog.at_level(logging.WARNING):
        assert [node.read(source), node.read(source)] == [source.data, source.data]
    assert node.faults == {"staging_refused": 2}
    assert len(caplog.records) == 1
    tmp_path.joinpath("named").chmod(0o700)
    assert [node.read(source), node.read(source)] == [source.data, source.data]
    assert (tmp_path / "named" / node.place(source).name).read_bytes() == source.data


def test_areas_are_opened_once(tmp_path):
    areas = StagingAreas(1000)
    assert areas.find(tmp_path / "a") is areas.find(str(tmp_path / "a"))
    own = StagingArea(tmp_path / "own", 5)
    assert StagingAreas(1000, own=own).find(tmp_path / "own") is own
