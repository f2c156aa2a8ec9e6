"""Settings outside of the process: put back at the end, and after a crash by the next one."""

import json

import pytest

from gpurules.clients import Capability
from gpurules.clients.settings.restorable_setting import RestorableSetting, SettingError
from gpurules.clients.settings.tunable_client import Tunable, TunableClient


class Knob:
    """A setting in memory, which may be rounded, refused or turned by others."""

    key = "knob"

    def __init__(self, value: str = "128") -> None:
        self.value = value
        self.is_broken = False

    def read(self) -> str:
        return self.value

    def write(self, value: str) -> None:
        if self.is_broken:
            raise SettingError("the knob is stuck")
        self.value = value


def client(knob: Knob, folder) -> TunableClient:
    dial = Tunable(RestorableSetting(knob, folder), lambda said, before: str(round(int(before) * said)))
    return TunableClient("radio", {Capability.PREFETCH: dial})


def test_it_follows_the_directive_and_turns_back_without_one(tmp_path):
    knob = Knob()
    with client(knob, tmp_path) as the:
        assert the.apply({"prefetch_factor": 0.25, "delay": 3}) == {"delay"}
        assert knob.value == "32" and the.is_changed
        assert the.apply({}) == frozenset()
        assert knob.value == "128" and not the.is_changed
        the.apply({"prefetch_factor": 0.5})
    assert knob.value == "128"


def test_what_a_process_that_died_left_is_put_back_by_the_next(tmp_path):
    knob = Knob()
    dead = client(knob, tmp_path)
    dead.apply({"prefetch_factor": 0.25})
    dead._dials[Capability.PREFETCH].setting.close()  # as the end of its process does, which restores nothing
    assert knob.value == "32"
    kept = RestorableSetting(knob, tmp_path)
    assert knob.value == "128" == kept.before and kept.recovered
    kept.close()
    assert not RestorableSetting(knob, tmp_path).recovered


def test_what_other_code_changed_since_is_left_alone(tmp_path, caplog):
    knob = Knob()
    the = client(knob, tmp_path)
    the.apply({"prefetch_factor": 0.25})
    knob.value = "99"
    the.close()
    assert knob.value == "99" and "by someone else" in caplog.text
    dead = client(knob, tmp_path)
    dead.apply({"prefetch_factor": 0.5})
    dead._dials[Capability.PREFETCH].setting.close()
    knob.value = "7"
    assert RestorableSetting(knob, tmp_path).before == "7"


def test_two_processes_do_not_have_one_setting_in_hand(tmp_path):
    first = RestorableSetting(Knob(), tmp_path)
    with pytest.raises(SettingError, match="another process controls knob"):
        RestorableSetting(Knob(), tmp_path)
    first.close()
    RestorableSetting(Knob(), tmp_path).close()


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[1]", json.dumps({"key": "other", "before": "1", "ours": ["128"]}).encode()]
)
def test_a_note_that_means_nothing_changes_nothing(tmp_path, note):
    knob = Knob()
    RestorableSetting(knob, tmp_path).close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(note)
    kept = RestorableSetting(knob, tmp_path)
    assert knob.value == "128" and not kept.recovered


def test_without_a_place_to_write_it_goes_on_and_says_so(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    knob = Knob()
    with client(knob, tmp_path / "file") as the:
        the.apply({"prefetch_factor": 0.5})
        assert knob.value == "64"
    assert knob.value == "128" and "could not be recorded" in caplog.text


def test_a_setting_that_cannot_be_written_is_an_error_and_known_as_it_is(tmp_path):
    knob = Knob()
    with client(knob, tmp_path) as the:
        knob.is_broken = True
        with pytest.raises(SettingError, match="stuck"):
            the.apply({"prefetch_factor": 0.5})
        assert knob.value == "128" and not the.is_changed
