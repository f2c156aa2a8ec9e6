"""Rulesets that are edited under a running coordinator."""

import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.rules import load
from tests.integration.coordinator.stand import Clock, Script, gpu, node, ruleset
from tests.waiting import wait_until

HELD = "{name: held, condition: gpu_memory > 80, action: pause_transfer}"
SIGNAL = "{pressure: {condition: gpu_memory > 80, for: 10s}}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "node.rules.yaml"
    path.write_text(ruleset(HELD, signals=SIGNAL))
    return path


def change(path: Path, text: str) -> None:
    """Write *text*; the time of a file may be too coarse to show that it was."""
    path.write_text(text)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def test_garbage_leaves_the_last_good_ruleset_and_says_so_then_a_good_one_comes(path: Path, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "gpurules.coordinator")
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        before = it.coordinator.engine.ruleset.version
        for garbage in (
            "rules: [{{{",
            "version: 1\nrules: [{name: x, condition: gpu_memroy > 1, action: nope}]\n",
            "\0\1",
        ):
            change(path, garbage)
            it.poll(90)
            assert it.coordinator.engine.ruleset.version == before
            assert it.coordinator.decide().paused
            assert it.coordinator.status().reload_error
        assert it.coordinator.collect().reload_failures == 3
        assert caplog.text.count("stays in force, because the new one has errors") == 3
        change(path, ruleset(HELD.replace("80", "95")))
        it.poll(90)
        assert not it.coordinator.decide().paused
        assert it.coordinator.status().reload_error is None
        assert it.coordinator.collect().reloads == 1
        assert "is in force" in caplog.text


def test_a_file_that_vanishes_and_comes_back(path: Path) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        text = path.read_text()
        path.unlink()
        it.poll(90)
        assert "cannot be read" in str(it.coordinator.status().reload_error)
        assert it.coordinator.decide().paused
        path.write_text(text)
        it.poll(90)
        assert it.coordinator.status().reload_error is None


def test_a_change_of_a_base_is_seen(path: Path) -> None:
    top = path.parent / "top.rules.yaml"
    top.write_text(f"version: 1\nname: top\nextends: [{path.name}]\n")
    with node(load(top)) as it:  # type: ignore[arg-type]
        it.poll(90)
        change(path, ruleset(HELD.replace("80", "95")))
        it.poll(90)
        assert not it.coordinator.decide().paused


def test_a_ruleset_that_lacks_a_new_base_loads_once_the_base_is_fixed(path: Path) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        change(path, "version: 1\nname: top\nextends: [new.yaml]\n")
        it.poll(90)
        assert it.coordinator.status().reload_error
        (path.parent / "new.yaml").write_text(ruleset(HELD.replace("80", "95")))
        for _ in range(12):
            it.poll(90)
        assert it.coordinator.status().reload_error is None
        assert it.coordinator.collect().reload_failures == 1


def test_the_symlink_swap_of_a_mounted_config_map_is_seen(tmp_path: Path) -> None:
    times = (1_700_000_000, 1_700_000_000)
    for name, limit in (("..1", "80"), ("..2", "95")):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "rules.yaml"
        file.write_text(ruleset(HELD.replace("80", limit)))
        os.utime(file, times)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "rules.yaml").symlink_to("..data/rules.yaml")
    with node(load(tmp_path / "rules.yaml")) as it:  # type: ignore[arg-type]
        it.poll(90)
        assert it.coordinator.decide().paused
        (tmp_path / "..tmp").symlink_to("..2")
        (tmp_path / "..tmp").replace(tmp_path / "..data")
        it.poll(90)
        assert not it.coordinator.decide().paused


def test_signals_survive_where_their_definition_did_not_change(path: Path) -> None:
    path.write_text(ruleset("{name: held, condition: pressure, action: pause_transfer}", signals=SIGNAL))
    with node(load(path)) as it:  # type: ignore[arg-type]
        for _ in range(3):
            it.poll(90)
        assert it.coordinator.decide().paused
        change(path, ruleset("{name: other, condition: pressure, action: pause_transfer}", signals=SIGNAL))
        it.poll(90)
        assert it.coordinator.decide().rules == ("other",)
        change(
            path,
            ruleset("{name: other, condition: pressure, action: pause_transfer}", signals=SIGNAL.replace("10s", "20s")),
        )
        it.poll(90)
        assert not it.coordinator.decide().paused


def test_counts_of_rules_that_are_gone_go_with_them(path: Path) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        for n in range(20):
            change(path, ruleset(HELD.replace("held", f"held{n}")))
            it.poll(90)
        assert list(it.coordinator.collect().rules) == ["held19"]


def test_a_ruleset_without_a_file_says_that_it_cannot_be_reloaded() -> None:
    with node(ruleset(HELD)) as it:
        assert not it.coordinator.reload()
        assert "not read from a file" in str(it.coordinator.status().reload_error)


def test_sighup_reloads_at_once(path: Path) -> None:
    source = Script(Clock(), (gpu(90),))
    options = CoordinatorOptions(poll_interval=60, watch_files=False, read_timeout=5)
    with Coordinator(path, source, options=options) as coordinator:
        previous = signal.signal(signal.SIGHUP, lambda *_: coordinator.request_reload())
        try:
            path.write_text(ruleset(HELD.replace("80", "95")))
            os.kill(os.getpid(), signal.SIGHUP)
            wait_until(lambda: coordinator.collect().reloads == 1)
        finally:
            signal.signal(signal.SIGHUP, previous)


def test_reloads_and_decisions_from_many_threads(path: Path) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        done = threading.Event()
        wrong: list[object] = []

        def decide() -> None:
            while not done.is_set():
                decision = it.coordinator.decide()
                if decision.rules != ("held",) or not decision.paused:
                    wrong.append(decision)
                time.sleep(0.0001)  # so that the reload gets the interpreter in between

        threads = [threading.Thread(target=decide) for _ in range(2)]
        for thread in threads:
            thread.start()
        for n in range(8):
            change(path, ruleset(HELD.replace("80", str(60 + n))))
            it.poll(90)
        done.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert it.coordinator.collect().reloads == 8
