"""The action ``slurm`` against a program that does as scontrol does."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpurules.actions import ActionError, Event
from gpurules.actions.effects.notification.delivery import RetryLater
from gpurules.actions.effects.slurm import Slurm

SCONTROL = """#!{python}
import sys, time
from pathlib import Path
folder = Path({folder!r})
arguments = sys.argv[1:]
with (folder / "calls").open("a") as log:
    log.write("\\x1f".join(arguments) + "\\n")
if (folder / "fails").exists():
    print("slurm_update error: Unable to contact slurm controller", file=sys.stderr)
    sys.exit(1)
if (folder / "hangs").exists():
    time.sleep(30)
state, reason = (folder / "node").read_text().split("|")
if arguments[0] == "show":
    why = f" Reason={{reason}} [root@2026-11-30T10:00:00]" if reason else ""
    print(f"NodeName={{arguments[2]}} Arch=x86_64 CPUAlloc=0 State={{state}} ThreadsPerCore=2{{why}}")
else:
    given = dict(one.split("=", 1) for one in arguments[1:])
    if given["State"] == "DRAIN":
        assert given["Reason"]
        (folder / "node").write_text(f"IDLE+DRAIN|{{given['Reason']}}")
    elif given["State"] == "RESUME":
        (folder / "node").write_text("IDLE|")
    else:
        sys.exit(2)
"""


class Cluster:
    """A node of Slurm, and the program that speaks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "scontrol"
        self.program.write_text(SCONTROL.format(python=sys.executable, folder=str(folder)))
        self.program.chmod(0o755)
        self.set("IDLE", "")

    def set(self, state: str, reason: str) -> None:
        (self.folder / "node").write_text(f"{state}|{reason}")

    @property
    def node(self) -> str:
        return (self.folder / "node").read_text()

    @property
    def updates(self) -> int:
        calls = self.folder / "calls"
        return sum(line.startswith("update") for line in calls.read_text().splitlines()) if calls.exists() else 0

    def event(self, rule: str = "hot", host: str = "gpu-7", **parameters: Any) -> Event:
        given = {"scontrol": str(self.program), "node": "{host}", "timeout": 10.0, **parameters}
        return Event("start", rule, 5.0, given, (0,), None, {"host": host, "gpu_xid": 79})


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_a_node_is_drained_with_a_reason_and_resumed(cluster: Cluster):
    event = cluster.event(reason="Xid {gpu_xid} on GPU {devices}\n")
    Slurm().start(event)
    assert cluster.node == "IDLE+DRAIN|gpurules[hot] Xid 79 on GPU 0"
    Slurm().stop(event)
    assert cluster.node == "IDLE|"


@pytest.mark.parametrize("state", ["IDLE+DRAIN", "DRAINED", "MIXED+DRAIN", "DRAINING", "DOWN+DRAIN"])
@pytest.mark.parametrize("reason", ["broken fan", "", "see gpurules[hot]"])
def test_a_drain_of_someone_else_is_left_alone(cluster: Cluster, state: str, reason: str):
    cluster.set(state, reason)
    Slurm().start(cluster.event())
    Slurm().stop(cluster.event())
    assert (cluster.node, cluster.updates) == (f"{state}|{reason}", 0)


def test_a_drain_that_someone_took_over_is_left_alone(cluster: Cluster):
    Slurm().start(cluster.event())
    cluster.set("IDLE+DRAIN", "hardware ticket 4711")
    Slurm().stop(cluster.event())
    assert cluster.node == "IDLE+DRAIN|hardware ticket 4711"


def test_a_node_that_someone_resumed_is_left_alone(cluster: Cluster):
    Slurm().start(cluster.event())
    cluster.set("ALLOCATED", "")
    Slurm().stop(cluster.event())
    assert (cluster.node, cluster.updates) == ("ALLOCATED|", 1)


def test_the_last_of_several_rules_resumes_the_node(cluster: Cluster):
    hot, lost = cluster.event("hot"), cluster.event("gpu lost, [now]")
    Slurm().start(hot)
    Slurm().start(lost)
    Slurm().start(lost)
    assert cluster.node == "IDLE+DRAIN|gpurules[gpu_lost___now_,hot]" and cluster.updates == 2
    Slurm().stop(hot)
    assert cluster.node == "IDLE+DRAIN|gpurules[gpu_lost___now_]"
    Slurm().stop(hot)
    Slurm().stop(lost)
    assert cluster.node == "IDLE|"


def test_a_repeated_start_or_stop_changes_nothing(cluster: Cluster):
    event = cluster.event()
    for _ in range(3):
        Slurm().start(replace(event, edge="repeat"))
    assert cluster.updates == 1
    for _ in range(3):
        Slurm().stop(event)
    assert cluster.updates == 2


def test_a_reason_is_bounded(cluster: Cluster):
    Slurm().start(cluster.event(reason="x" * 5000))
    assert len(cluster.node) < 250


@pytest.mark.parametrize("host", ["", "a,b", "node[1-100]", "-o", "ALL nodes", "x\n"])
def test_what_is_not_the_name_of_one_node_is_never_passed_on(cluster: Cluster, host: str):
    with pytest.raises(ActionError, match="not the name of one node"):
        Slurm().start(cluster.event(host=host))
    assert not (cluster.folder / "calls").exists()


def test_a_controller_that_is_down_is_tried_later(cluster: Cluster):
    (cluster.folder / "fails").touch()
    with pytest.raises(RetryLater, match="Unable to contact slurm controller"):
        Slurm().start(cluster.event())


def test_a_controller_that_hangs_is_tried_later(cluster: Cluster):
    (cluster.folder / "hangs").touch()
    with pytest.raises(RetryLater, match=re.escape("took longer than 0.5 s")):
        Slurm().start(cluster.event(timeout=0.5))


@pytest.mark.parametrize(
    "text", ["print('NodeName=x')", "print('slurm_load_node error: Invalid node name'); sys.exit(1)"]
)
def test_an_answer_without_a_state_is_tried_later(cluster: Cluster, text: str):
    cluster.program.write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
    with pytest.raises(RetryLater):
        Slurm().start(cluster.event())


def test_a_program_that_is_absent_is_tried_later(cluster: Cluster):
    with pytest.raises(RetryLater, match="cannot be started"):
        Slurm().start(cluster.event(scontrol="/absent/scontrol"))


def test_slurm_drains_nodes_not_gpus():
    assert [complaint.code for complaint in Slurm().check({"grouping": "gpu"})] == ["GPR505"]
