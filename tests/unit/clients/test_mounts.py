"""The settings of mounts, on trees that stand for ``/proc`` and ``/sys``; real ones: tests/integration."""

import pytest

from gpurules.clients import Capability, kvikio
from gpurules.clients.mounts import juicefs, readahead
from gpurules.clients.mounts import readahead as kernel
from gpurules.clients.mounts.juicefs import _limited as juicefs_limit
from gpurules.clients.mounts.juicefs import _without_secret
from gpurules.clients.mounts.mountinfo import mount_of, mounts
from gpurules.clients.mounts.rclone import _limited as rclone_limit
from gpurules.clients.settings.restorable_setting import SettingError

TABLE = r"""21 1 254:0 / / rw - ext4 /dev/vda rw
22 21 0:52 / /mnt/my\040data rw,nosuid shared:1 - fuse.rclone remote: rw
23 21 0:53 / /mnt/my\040data/deep rw - nfs4 server:/export rw
garbage
24 21 0:54 / /run rw
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    return path


def test_mounts_are_read_with_their_blanks_and_without_garbage(table, tmp_path):
    assert [(m.point, m.type, m.device, m.is_remote) for m in mounts(table)] == [
        ("/", "ext4", "254:0", False),
        ("/mnt/my data", "fuse.rclone", "0:52", True),
        ("/mnt/my data/deep", "nfs4", "0:53", True),
    ]
    assert list(mounts(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("path", "point"),
    [("/etc/hosts", "/"), ("/mnt/my data", "/mnt/my data"), ("/mnt/my data/deep/x", "/mnt/my data/deep"),
     ("/mnt/my database", "/")],
)  # fmt: skip
def test_a_path_is_on_the_innermost_mount_above_it(table, path, point):
    assert mount_of(path, table).point == point


def test_readahead_is_a_share_of_what_it_was(tmp_path, monkeypatch):
    module = __import__("gpurules.clients.mounts.readahead", fromlist=["readahead"])
    mount = mount_of(tmp_path)
    if mount is None:
        pytest.skip("this system does not list the mount of temporary files")
    file = tmp_path / "sys/class/bdi" / mount.device / "read_ahead_kb"
    file.parent.mkdir(parents=True)
    file.write_text("8192\n")
    monkeypatch.setattr(module, "SYS", tmp_path / "sys")
    with kernel(tmp_path, tmp_path / "state") as client:
        assert client.capabilities == {Capability.PREFETCH}
        for factor, kib in ((0.25, "2048"), (0, "0"), (1.0, "8192"), ("nonsense", "8192"), (7, "8192")):
            client.apply({"prefetch_factor": factor})
            assert file.read_text().strip() == kib
        client.apply({"prefetch_factor": 0.5})
    assert file.read_text() == "8192"


def test_a_mount_without_readahead_is_refused_with_its_name(tmp_path, monkeypatch):
    module = __import__("gpurules.clients.mounts.readahead", fromlist=["readahead"])
    monkeypatch.setattr(module, "SYS", tmp_path)
    with pytest.raises(SettingError, match="has no readahead of its own to control"):
        readahead(tmp_path)


@pytest.mark.parametrize(
    ("said", "before", "value"),
    [(12.5e6, "0", "100"), (1, "0", "1"), (12.5e6, "40", "40"), (1e6, "40", "8"), (None, "40", "40"), (-1, "0", "0")],
)
def test_juicefs_takes_megabits_and_never_0_which_is_no_limit(said, before, value):
    assert juicefs_limit(said, before) == value


@pytest.mark.parametrize(
    ("said", "before", "value"),
    [(5e6, "off", "5000000B"), (0.2, "off", "1B"), (5e6, "100B", "100B"), (5e6, "off:100B", "100B"), (0, "off", "off")],
)
def test_rclone_takes_bytes_and_keeps_to_its_own_limit(said, before, value):
    assert rclone_limit(said, before) == value


def test_a_password_in_an_address_is_not_shown(tmp_path):
    assert _without_secret("redis://:secret@host:6379/1?token=t") == "redis://host:6379/1"
    with pytest.raises(SettingError) as caught:
        juicefs("redis://:secret@host/1", tmp_path, command=str(tmp_path / "none"))
    assert "secret" not in str(caught.value)


def stand_in(folder, text):
    program = folder / "juicefs"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return str(program)


def test_an_error_of_juicefs_is_reported_without_the_address(tmp_path):
    program = stand_in(tmp_path, 'echo "cannot reach $2" >&2; exit 1')
    with pytest.raises(SettingError, match="juicefs config failed: cannot reach META-URL"):
        juicefs("redis://:secret@host/1", tmp_path, command=program)
    with pytest.raises(SettingError, match="does not print JSON"):
        juicefs("redis://host/1", tmp_path, command=stand_in(tmp_path, "echo hello"))


class Defaults:
    """Stands for kvikio.defaults, which needs CUDA."""

    def __init__(self):
        self.threads = 16

    def get(self, name):
        assert name == "num_threads"
        return self.threads

    def set(self, values):
        self.threads = values["num_threads"]


def test_kvikio_has_fewer_threads_while_rules_say_so(monkeypatch):
    import sys
    from types import ModuleType

    module = ModuleType("kvikio")
    module.defaults = defaults = Defaults()
    monkeypatch.setitem(sys.modules, "kvikio", module)
    with kvikio.kvikio() as client:
        for said, threads in ((4, 4), (99, 16), (1, 1)):
            client.apply({"max_concurrency": said})
            assert defaults.threads == threads
        assert client.apply({"prefetch_factor": 0.5}) == {"prefetch_factor"}
        assert defaults.threads == 16
        client.apply({"max_concurrency": 2})
    assert defaults.threads == 16


def test_kvikio_that_cannot_be_imported_is_reported(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "kvikio", None)
    with pytest.raises(SettingError, match="kvikio cannot be imported"):
        kvikio.kvikio()
