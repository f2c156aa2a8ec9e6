"""Captures: the output of several commands in one file."""

import pytest

from gpurules.telemetry import replay

FRAME = "#" * 80
MIB = 1 << 20


def section(phase, title, command, output):
    return f"{FRAME}\n# {phase} :: {title}\n# $ {command}\n{FRAME}\n{output}\n\n"


def query(second, used):
    return (
        "timestamp, index, uuid, name, memory.used [MiB]\n"
        f"2026/04/25 12:00:{second:02d}.000, 0, GPU-a, NVIDIA A100, {used} MiB\n"
    )


QUERY = "nvidia-smi --query-gpu=timestamp,index,uuid,name,memory.used --format=csv"
APPS = "nvidia-smi --query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory --format=csv"
APPS_HEADER = "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\n"


@pytest.fixture
def play(tmp_path):
    def player(text):
        path = tmp_path / "capture.txt"
        path.write_text(f"{FRAME}\n# a capture\n{FRAME}\nmasked: yes\n\n" + text)
        source = replay(path)
        return list(source), source

    return player


def test_each_phase_is_a_snapshot_and_capabilities_are_none(play):
    snapshots, source = play(
        section("capabilities", "help", "nvidia-smi -h", "timestamp, index\nthis, is not a row")
        + section("idle", "query", QUERY, query(0, 1))
        + section("load", "query", QUERY, query(20, 900))
    )
    assert [(s.labels["phase"], s.gpus[0].memory_used) for s in snapshots] == [("idle", 1 * MIB), ("load", 900 * MIB)]
    assert source.problem_count == 0


def test_processes_are_put_to_their_gpu_and_an_empty_list_is_0(play):
    snapshots, _ = play(
        section("idle", "query", QUERY, query(0, 1))
        + section("idle", "apps", APPS, APPS_HEADER)
        + section("load", "query", QUERY, query(20, 900))
        + section("load", "apps", APPS, APPS_HEADER + "GPU-a, 7, python, train.py, 880 MiB\nGPU-b, 8, other, [N/A]\n")
        + section("late", "query", QUERY, query(40, 900))
    )
    assert [snapshot.gpus[0].process_count for snapshot in snapshots] == [0, 1, None]
    (process,) = snapshots[1].gpus[0].processes
    assert (process.pid, process.name, process.memory_used) == (7, "python, train.py", 880 * MIB)


MIG = """==============NVSMI LOG==============
GPU 00000000:00:09.0
    GPU UUID                    : GPU-a
    MIG Device
        Index                   : 0
        GPU Instance ID         : 2
        Compute Instance ID     : 0
        Shared FB Memory Usage
            Total               : 100 MiB
            Used                : 40 MiB
    Processes
        GPU instance ID         : 2
        Compute instance ID     : 0
        Process ID              : 7
            Name                : train
            Used GPU Memory     : 30 MiB
"""


def test_mig_instances_come_from_the_query_beside_and_take_the_memory(play):
    listed = "GPU 0: NVIDIA A100 (UUID: GPU-a)\n  MIG 3g.40gb     Device  0: (UUID: MIG-x)"
    (snapshot,), _ = play(
        section("capabilities", "list (-L)", "nvidia-smi -L", listed)
        + section("load", "query (-q)", "nvidia-smi -q", MIG)
        + section("load", "query-gpu", QUERY, query(0, 41))
    )
    board, instance = snapshot.gpus
    assert (board.memory_used, board.process_count) == (None, None)
    assert (instance.index, instance.uuid, instance.name) == ("0:0", "MIG-x", "NVIDIA A100 MIG 3g.40gb")
    assert (instance.memory, instance.process_count, instance.mig) == (40, 1, True)
