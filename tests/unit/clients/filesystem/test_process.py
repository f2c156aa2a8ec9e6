"""The governors behind the URLs of a process."""

import os

import pytest

pytest.importorskip("fsspec")

from gpurules.clients.filesystem.options import FileOptions
from gpurules.clients.filesystem.process import Process

RULES = """
version: 1
name: hot
rules:
  - {name: hurry, condition: gpu_temperature >= 0, action: increase_priority, parameters: {priority_boost: 7}}
"""


@pytest.fixture
def process():
    return Process()


def options(**said):
    return FileOptions.split({"source": "synthetic:gpus=1,seconds=60", **said})[0]


def stop(process):
    for governor, coordinator, _ in process._governors.values():
        governor.stop()
        if coordinator is not None:
            coordinator.stop()


def test_a_ruleset_that_is_named_is_in_force_and_polled_once_before_the_first_file(process, tmp_path):
    path = tmp_path / "hot.rules.yaml"
    path.write_text(RULES)
    client = process.client_of(options(ruleset=str(path)))
    try:
        assert client.problem is None
        assert client.ticket("/a", "read").requirements.boost == 7
    finally:
        stop(process)


def test_options_that_name_the_same_rules_share_a_governor(process):
    first, second = (process.client_of(options(ruleset="gpurules:default", priority=p)) for p in (1, 2))
    try:
        assert first is not second and first.governor is second.governor
    finally:
        stop(process)


@pytest.mark.parametrize("said", [{"ruleset": "/none.yaml"}, {"source": "nonsense:"}])
def test_unavailable_rules_or_telemetry_leave_files_alone_and_are_reported(process, said, caplog):
    client = process.client_of(options(**said))
    assert client.problem is not None and "not in force" in client.problem
    assert client.ticket("/a", "read").requirements.rules == ()
    assert "files are read and written without them" in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_starts_again(process):
    process.client_of(options(ruleset="gpurules:default"))
    try:
        process_of_child = process
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            process_of_child.after_fork()
            is_new = not process_of_child._clients and not process_of_child._governors
            os.write(write, b"new" if is_new else b"old")
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read, 3) == b"new"
        os.close(read)
        os.close(write)
    finally:
        stop(process)
