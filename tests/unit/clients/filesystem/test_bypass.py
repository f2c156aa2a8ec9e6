"""Files that no rule concerns: no cap, no wait, decided for many at once; and the same as ever where one does."""

import asyncio
import threading
import time

import fsspec
import pytest
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from gpurules import GPU, Snapshot, Transfer, Workload
from gpurules.clients.filesystem import use
from gpurules.clients.filesystem.bypass import groups
from gpurules.governor import Governor, Limits
from tests.unit.clients.filesystem.conftest import RULES, Node
from tests.waiting import wait_until

MODELS_FIRST = """
version: 1
name: models
rules:
  - {name: models, condition: "file_type == 'model'", action: delay_transfer, parameters: {delay: 30s}}
"""
PENDING = """
version: 1
name: pending
rules:
  - {name: many, condition: pending_transfers > 1000, action: delay_transfer, parameters: {delay: 30s}}
"""
AGED = """
version: 1
name: aged
rules:
  - {name: old, condition: telemetry_age > 1000, action: delay_transfer, parameters: {delay: 30s}}
"""


class Slow(AsyncFileSystem):
    """Each file takes a while; how many are read and written at once is what the tests look at."""

    protocol = "slow"
    cachable = False

    def __init__(self, **options):
        super().__init__(**options)
        self.now = self.most = 0

    async def _pause(self):
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)  # so that calls overlap, and the most at once can be counted
        self.now -= 1

    async def _cat_file(self, path, start=None, end=None, **options):
        await self._pause()
        if "bad" in path:
            raise OSError(path)
        return b"0123456789"[start:end]

    async def _pipe_file(self, path, value, **options):
        await self._pause()

    async def _info(self, path, **options):
        return {"name": path, "size": 10, "type": "file"}

    async def _exists(self, path, **options):
        return True


def opened(rules: str = RULES, limits: Limits | None = None) -> Node:
    """A node without limits of its own, whose files are governed."""
    the = Node(rules)
    the.governor = Governor(the.engine, limits or Limits())
    use(the.governor)
    return the


@pytest.fixture(autouse=True)
def nothing_stays():
    yield
    use(None)
    MemoryFileSystem.store.clear()


def slow() -> object:
    return fsspec.filesystem("gpurules", fs=Slow(), skip_instance_cache=True)


def read_ranges(fs):
    return fs.cat_ranges(["a"] * 64, [0] * 64, [5] * 64)


def read_files(fs):
    return list(fs.cat([f"f{number:02}" for number in range(64)]).values())


def write_files(fs):
    fs.pipe({f"f{number:02}": b"abc" for number in range(64)})
    return [b"01234"] * 64


ALL_AT_ONCE = {"ranges": read_ranges, "files": read_files, "writes": write_files}


@pytest.mark.parametrize("kind", ALL_AT_ONCE)
@pytest.mark.parametrize("rules", [RULES, MODELS_FIRST, PENDING, AGED])
def test_as_many_move_at_once_as_without_rules(kind, rules):
    node = opened(rules)
    plain = Slow()
    ALL_AT_ONCE[kind](plain)
    fs = slow()
    found = ALL_AT_ONCE[kind](fs)
    assert (fs.fs.most, plain.most) == (64, 64)
    assert {bytes(one)[:5] for one in found} == {b"01234"}
    assert (node.counts.done, node.counts.failed) == (64, 0)


@pytest.mark.parametrize("kind", ALL_AT_ONCE)
def test_a_limit_that_the_user_set_holds(kind):
    opened(limits=Limits(slots=3))
    fs = slow()
    ALL_AT_ONCE[kind](fs)
    assert fs.fs.most == 3


def test_a_limit_of_a_rule_holds():
    opened("""
version: 1
name: few
rules:
  - {name: few, condition: "true", action: limit_concurrency, parameters: {max_concurrency: 2}}
""")
    fs = slow()
    read_ranges(fs)
    assert fs.fs.most == 2


def test_only_the_files_that_a_rule_concerns_wait():
    node = opened(MODELS_FIRST)
    fs = slow()
    found = []
    thread = threading.Thread(target=lambda: found.append(fs.cat(["a.csv", "m.safetensors", "b.csv"], on_error="omit")))
    thread.start()
    wait_until(lambda: node.counts.done >= 2)
    (held,) = node.governor.status().transfers
    assert (held.state, held.path) == ("held", "slow://m.safetensors") and not found
    node.governor.cancel(held.id)
    thread.join(10)
    assert sorted(found[0]) == ["a.csv", "b.csv"]


def test_the_counts_are_those_of_files_that_are_governed():
    counts = []
    for limits in (Limits(), Limits(slots=1000)):
        node = opened(limits=limits)
        fs = slow()
        fs.cat(["a", "b"])
        fs.cat_ranges(["a", "a"], [0, 5], [5, 10])
        fs.pipe({"x": b"abc"})
        found = fs.cat(["a", "bad"], on_error="return")
        assert isinstance(found["bad"], OSError)
        with pytest.raises(OSError, match="bad"):
            fs.cat_file("bad")
        the = node.counts
        counts.append((the.submitted, the.done, the.failed, the.parts, the.bytes_moved))
    assert counts[0] == counts[1] == (8, 6, 2, 8, 2 * 10 + 10 + 3 + 10)


# what closes the way past the scheduler


def close_by_rate(the):
    the.governor.set_rate("all", 1e9)


def close_by_priority(the):
    the.governor.transfer(Transfer(path="/x", priority=7))


def close_by_watching(the):
    the.governor.on_change(lambda change: None)


def close_by_heat(the):
    the.heat(75)


CLOSING = {
    "a rate": close_by_rate,
    "another priority": close_by_priority,
    "an observer": close_by_watching,
    "a rule that matches": close_by_heat,
}


@pytest.mark.parametrize("reason", CLOSING)
def test_nothing_goes_past_where_it_would_be_asked_something(reason):
    node = opened()
    bypass = node.governor.bypass
    assert bypass.is_open(None) and bypass.is_open_to_all
    CLOSING[reason](node)
    assert not (bypass.is_open(None) and bypass.is_open_to_all)


@pytest.mark.parametrize(("rules", "limits"), [(PENDING, Limits()), (RULES, Limits(slots=1000))])
def test_nothing_goes_past_where_a_rule_looks_at_what_is_pending_or_the_user_set_a_limit(rules, limits):
    assert not opened(rules, limits).governor.bypass.is_open(None)


def test_a_rule_that_looks_at_the_age_of_telemetry_is_asked_each_time():
    bypass = opened(AGED).governor.bypass
    assert not bypass.is_open_to_all and bypass.is_open_to(Transfer(path="/a"))


def test_rules_that_look_at_the_transfer_are_asked_for_each():
    bypass = opened(MODELS_FIRST).governor.bypass
    assert not bypass.is_open_to_all
    assert bypass.is_open_to(Transfer(path="/a.csv")) and not bypass.is_open_to(Transfer(path="/a.safetensors"))


def test_rules_that_look_at_the_workload_are_asked_with_it():
    node = opened("""
version: 1
name: workloads
rules:
  - {name: train, condition: "workload_type == 'training'", action: delay_transfer, parameters: {delay: 30s}}
""")
    node.governor.register_workload(Workload(id="w", type="training"))
    bypass = node.governor.bypass
    assert bypass.is_open_to(Transfer(path="/a")) and not bypass.is_open_to(Transfer(path="/a", workload_id="w"))


def test_the_way_is_open_again_when_the_rule_has_ended():
    node = opened()
    for temperature, is_open in ((40, True), (90, False), (40, True), (None, True)):
        node.heat(temperature)
        assert node.governor.bypass.is_open_to_all is is_open


def test_what_goes_past_on_stale_telemetry_is_counted_as_such():
    node = opened()
    node.engine._clock = lambda: 1e9
    slow().cat(["a", "b"])
    assert (node.counts.done, node.counts.decisions_stale) == (2, 2)


# filesystems without tasks


@pytest.fixture
def memory():
    the = fsspec.filesystem("memory")
    the.pipe({f"/d/{number:03}": bytes([number % 256]) * 10 for number in range(300)})
    return the


def governed():
    return fsspec.filesystem("gpurules", target_protocol="memory", skip_instance_cache=True)


WAYS = [
    lambda fs: fs.cat("/d/001"),
    lambda fs: fs.cat(["/d/001"]),
    lambda fs: fs.cat(["/d/002", "/d/001", "/d/002"]),
    lambda fs: fs.cat("/d/00*"),
    lambda fs: fs.cat("/d/*"),
    lambda fs: fs.cat(["/d/001", "/none"], on_error="omit"),
    lambda fs: sorted(fs.cat(["/d/001", "/none"], on_error="return")),
    lambda fs: fs.cat_file("/d/003", start=2, end=-3),
    lambda fs: fs.cat_ranges(["/d/001", "/d/002"], [0, 5], [5, None]),
    lambda fs: fs.cat_ranges(["/d/001", "/d/002"], 1, 5),
    lambda fs: fs.cat_ranges(["/d/001", "/none"], [0, 1], [5, 6])[:1],
    lambda fs: fs.cat_ranges([], [], []),
]
WRONG = [
    (lambda fs: fs.cat(["/d/001", "/none"]), FileNotFoundError),
    (lambda fs: fs.cat("/none"), FileNotFoundError),
    (lambda fs: fs.cat_file("/none"), FileNotFoundError),
    (lambda fs: fs.cat_ranges(["/d/001", "/none"], [0, 1], [5, 6], on_error="raise"), FileNotFoundError),
    (lambda fs: fs.cat_ranges(["/d/001"], [0, 1], [5, 6]), ValueError),
    (lambda fs: fs.cat_ranges("/d/001", [0], [5]), TypeError),
    (lambda fs: fs.cat_ranges(["/d/001"], [0], [5], max_gap=1), NotImplementedError),
]


@pytest.mark.parametrize("limits", [Limits(), Limits(slots=5)])
def test_many_files_are_read_as_without_rules(memory, limits):
    node = opened(limits=limits)
    fs = governed()
    for way in WAYS:
        assert way(fs) == way(memory)
    for way, error in WRONG:
        for one in (memory, fs):
            with pytest.raises(error):
                way(one)
    assert node.governor.status().transfers == ()


def test_a_rule_that_begins_to_match_among_many_files_holds_the_rest(memory):
    node = opened()
    fs = governed()
    read, cat_file = [], fs.fs.cat_file

    def one_after_the_other(path, *ends, **options):
        read.append(path)
        time.sleep(0.002)  # so that the rule begins to match long before the last file
        if len(read) == 70:
            node.heat(90)
        return cat_file(path, *ends, **options)

    fs.fs.cat_file = one_after_the_other
    try:
        found = []
        thread = threading.Thread(target=lambda: found.append(fs.cat("/d/*")))
        thread.start()
        wait_until(lambda: any(t.state == "held" for t in node.governor.status().transfers))
        assert not found and 70 <= len(read) < 300
        node.heat(40)
        thread.join(20)
        assert len(found[0]) == 300
    finally:
        del fs.fs.cat_file


def test_groups_grow_while_they_are_quick_and_shrink_when_they_are_not(monkeypatch):
    from gpurules.clients.filesystem import bypass

    now = [0.0]
    monkeypatch.setattr(bypass.time, "monotonic", lambda: now[0])
    sizes = []
    for number, group in enumerate(groups(range(5000))):
        sizes.append(len(group))
        now[0] += len(group) * (0.0001 if number < 2 else 0.02)  # a file takes 0.1 ms, then 20 ms
    assert sizes[:3] == [64, 500, 500] and set(sizes[3:-1]) == {2}
    assert sum(sizes) == 5000


def test_a_filesystem_that_reads_many_ranges_in_its_own_way_does_so():
    class Merging(Slow):
        calls = 0

        async def _cat_ranges(self, paths, starts, ends, **options):
            self.calls += 1
            return [b"0123456789"[start:end] for start, end in zip(starts, ends)]

    node = opened()
    fs = fsspec.filesystem("gpurules", fs=Merging(), skip_instance_cache=True)
    assert fs.cat_ranges(["gpurules://a", "a"], [0, 2], [2, 4]) == [b"01", b"23"] and fs.fs.calls == 1
    assert (node.counts.done, node.counts.bytes_moved) == (2, 4)
    node.heat(75)
    assert fs.cat_ranges(["a", "a"], [0, 2], [2, 4]) == [b"01", b"23"] and fs.fs.calls == 1


def test_a_snapshot_without_gpus_or_none_at_all_lets_all_pass():
    node = opened()
    node.engine.observe(Snapshot(timestamp=1e6, gpus=()))
    assert node.governor.bypass.is_open_to_all
    node.engine.observe(Snapshot(timestamp=2e6, gpus=(GPU(index=0),)))
    assert node.governor.bypass.is_open_to_all, "readings that are missing match nothing"
