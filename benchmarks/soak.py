"""The agent over a long time: 24 simulated hours of every shipped ruleset, and minutes of real time with faults.

``make soak`` runs both and ends with 1 where memory, threads or file descriptors grow, or an event is lost. A day is
17,280 polls, one in 5 s, of 8 GPUs; each ruleset is run in a process of its own. The clock is set, the source fails,
the ruleset is reloaded, transfers and workloads come and go.
"""

import argparse
import gc
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gpurules.actions import Event, is_effect
from gpurules.actions.registration import action
from gpurules.engine import Coordinator, CoordinatorOptions, PollReport
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import load, shipped_names
from gpurules.telemetry import Scenario, Synthetic, TelemetryError

INTERVAL, GPUS, SEED = 5.0, 8, 7
MAX_RSS, MAX_GROWTH = 60.0, 6.0
"""Units: MB. The growth is from a tenth of the run on, when caches and pools have filled."""
ENDPOINT_RSS = 20.0
"""What the endpoint of the real run, with its HTTP and TLS, takes in the process of the agent. Units: MB."""
LANES = 3
"""How many workers of effects may come late, since each is started with its first event."""
EFFECTS = """
rules:
  - {name: soak_full, condition: max(gpu_memory) > 85, actions: [{action: soak_note}, {action: log}], cooldown: 1m}
  - {name: soak_hot, condition: gpu_temperature > 84, action: soak_note}
  - name: soak_trend
    condition: avg_over_time(gpu_memory[5m]) > 70 AND rate(gpu_energy[1m]) > 300W
    action: soak_note
  - {name: soak_models, condition: file_type == 'model' AND gpu_memory > 80, action: soak_note}
"""


def resident() -> float:
    """Return the memory of this process. Units: MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir())) - 1


@dataclass
class Sample:
    """What the process holds at one point in time."""

    rss: float = field(default_factory=resident)
    threads: int = field(default_factory=threading.active_count)
    files: int = field(default_factory=descriptors)


class Counter:
    """Counts the events that effects should get, from the reports of polls."""

    def __init__(self, coordinator: Coordinator) -> None:
        self.expected = self.transitions = self.edges = 0
        coordinator.on_poll(self.note)

    def note(self, report: PollReport) -> None:
        """Take in what a poll brought."""
        self.transitions += len(report.transitions)
        for edge in report.edges:
            self.edges += 1
            if edge.kind == "start" and not edge.suppressed:
                self.expected += sum(is_effect(ordered.action) for ordered in edge.rule.actions)

    def lost(self, coordinator: Coordinator) -> int:
        """Return how many events were neither sent nor counted as failed or dropped."""
        counts = coordinator.collect().effects.values()
        return self.expected - sum(c.sent + c.failed + c.dropped for c in counts)


@action("soak_note")
def note(event: Event) -> None:
    """Do next to nothing, and fail now and then."""
    if hash(event.timestamp) % 50 == 0:
        raise RuntimeError("a handler that fails now and then")


class Clock:
    """Wall clock and steady clock of the simulated day."""

    def __init__(self) -> None:
        self.wall, self.steady = 1767225600.0, 0.0

    def advance(self, seconds: float) -> None:
        """Let time go on."""
        self.wall += seconds
        self.steady += seconds


class Day:
    """A simulated node that is read on the simulated clock; it fails for a while now and then."""

    name = "day"

    def __init__(self, clock: Clock, hours: float) -> None:
        self.clock, self.random = clock, random.Random(SEED)
        self.snapshots: Iterator[Snapshot] = iter(
            Synthetic(Scenario(gpus=GPUS, seconds=hours * 3600 + 60, interval=INTERVAL, seed=SEED))
        )
        self.failing = 0

    def read(self) -> Snapshot:
        """Return the next snapshot, at the time that the clock shows."""
        snapshot = next(self.snapshots)
        if self.failing == 0 and self.random.random() < 0.001:
            self.failing = self.random.choice((1, 2, 5, 60))
        if self.failing:
            self.failing -= 1
            raise TelemetryError("the driver does not answer")
        return Snapshot(timestamp=self.clock.wall, host="node-1", gpus=snapshot.gpus)

    def close(self) -> None:
        """Hold nothing."""


def day(name: str, hours: float, folder: Path) -> dict[str, object]:
    """Run one ruleset through simulated *hours*, and return the figures."""
    rng, clock = random.Random(SEED), Clock()
    path = folder / f"{name}.rules.yaml"
    text = f"version: 1\nname: {name}\nextends: ['gpurules:{name}']\n{EFFECTS}"
    path.write_text(text)
    options = CoordinatorOptions(state_path=folder / f"{name}.json", read_timeout=60.0)
    coordinator = Coordinator(
        load(path), Day(clock, hours), clock=lambda: clock.wall, steady=lambda: clock.steady, options=options
    )
    counter, polls = Counter(coordinator), int(hours * 3600 / INTERVAL)
    samples, decisions, slowest, began = [Sample()], 0, 0.0, time.perf_counter()
    for number in range(polls):
        clock.advance(INTERVAL)
        before = time.perf_counter()
        coordinator.poll()
        slowest = max(slowest, time.perf_counter() - before)
        decisions += disturb(coordinator, number, rng, clock, path, text)
        if number % max(1, polls // 20) == 0:
            gc.collect()
            samples.append(Sample())
    spent = time.perf_counter() - began
    coordinator.stop()
    counts = coordinator.collect()
    settled, last = samples[min(3, len(samples) - 1)], samples[-1]
    return {
        "ruleset": name, "polls": counts.polls, "missed": counts.missed_polls, "reloads": counts.reloads,
        "clock": counts.clock_steps, "decisions": decisions, "transitions": counter.transitions,
        "events": counter.expected, "lost": counter.lost(coordinator), "ms_a_poll": 1000 * spent / polls,
        "slowest_ms": 1000 * slowest, "rss": last.rss, "growth": last.rss - settled.rss,
        "threads": last.threads - settled.threads, "files": last.files - settled.files,
    }  # fmt: skip


def disturb(coordinator: Coordinator, number: int, rng: random.Random, clock: Clock, path: Path, text: str) -> int:
    """Do what happens to an agent over a day; return how many decisions were asked for."""
    kind = rng.choice(("pt", "tar", "csv", "log", "bin"))
    transfer = Transfer(id=f"t{number % 50}", path=f"/d/{number}.{kind}", size=1 << 28, workload_id=f"w{number % 7}")
    coordinator.schedule_transfer(transfer)
    if number % 3 == 0:
        coordinator.complete_transfer(f"t{rng.randrange(50)}")
    coordinator.register_workload(
        Workload(id=f"w{number % 7}", type="training", gpu_devices=(number % GPUS,)), lease_seconds=60
    )
    if number % 2000 == 1000:
        clock.wall += rng.choice((-3600.0, 3600.0, -30.0, 90.0))
    if number % 700 == 350:
        path.write_text("rules: [{{{")
    elif number % 700 == 360:
        path.write_text(f"{text}\n# {number}\n")
    if rng.random() < 0.001:
        coordinator.disable()
    elif not coordinator.is_enabled and rng.random() < 0.2:
        coordinator.enable()
    for _ in range(5):
        coordinator.decide(transfer)
    coordinator.status()
    return 6


class Faulty:
    """A source in real time that fails, hangs, loses GPUs and comes back, at random."""

    name = "faulty"

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.reads = self.hangs = self.failures = 0

    def read(self) -> Snapshot:
        """Return something, late, or not at all."""
        self.reads += 1
        luck = self.random.random()
        if luck < 0.005:
            self.hangs += 1
            time.sleep(self.random.uniform(0.2, 3.0))
        elif luck < 0.03:
            self.failures += 1
            raise self.random.choice((TelemetryError("no driver"), RuntimeError("bug"), MemoryError(), SystemExit(1)))
        gpus = tuple(self._gpu(index) for index in range(self.random.choice((8, 8, 8, 8, 7, 0))))
        return Snapshot(timestamp=time.time(), host="node-1", gpus=gpus)

    def _gpu(self, index: int) -> GPU:
        value = self.random.uniform
        if self.random.random() < 0.01:
            return GPU(index=index, uuid=f"GPU-{index}", healthy=False, status="lost")
        return GPU(
            index=index, uuid=f"GPU-{index}", memory_used=value(10, 100), memory_total=100, temperature=value(50, 92),
            utilization=value(0, 100), energy=time.monotonic() * 400,
        )  # fmt: skip

    def close(self) -> None:
        """Hold nothing."""


class Endpoint(BaseHTTPRequestHandler):
    """Answers, refuses, breaks off or takes its time, at random."""

    def do_POST(self) -> None:
        """Answer one call."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        luck = random.random()
        if luck < 0.05:
            time.sleep(0.5)
        if luck < 0.1:
            self.close_connection = True
            return
        self.send_response(500 if luck < 0.2 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def real(minutes: float, folder: Path) -> dict[str, object]:
    """Run an agent in real time with faults at random, and return the figures."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    path = folder / "real.rules.yaml"
    hook = f"{{url: '{url}', timeout: 0.2s, backoff: 0.01s, retries: 2, on: [start]}}"
    text = (
        f"version: 1\nname: real\nextends: ['gpurules:coordinator']\nsettings: {{stale_after: 1s}}\n{EFFECTS}"
        f"  - {{name: soak_call, condition: gpu_temperature > 90, action: webhook, parameters: {hook}}}\n"
    )
    path.write_text(text)
    source, ends = Faulty(), time.monotonic() + minutes * 60
    options = CoordinatorOptions(poll_interval=0.05, state_path=folder / "real.json", stop_timeout=3.0)
    latencies: list[float] = []
    gaps, last_poll = [0.0], [time.monotonic()]

    def gap(report: PollReport) -> None:
        now = time.monotonic()
        gaps[0], last_poll[0] = max(gaps[0], now - last_poll[0]), now

    coordinator = Coordinator(path, source, options=options)
    counter = Counter(coordinator)
    coordinator.on_poll(gap)
    with coordinator:
        samples, rng, number = [Sample()], random.Random(SEED), 0
        sample_at = time.monotonic() + minutes * 6
        while time.monotonic() < ends:
            number += 1
            before = time.perf_counter()
            coordinator.decide(Transfer(id="t", path="/m/a.pt"))
            latencies.append(time.perf_counter() - before)
            latencies = latencies[-20000:]
            meddle(coordinator, number, rng, path, text)
            time.sleep(0.004)
            if time.monotonic() >= sample_at:
                gc.collect()
                samples.append(Sample())
                sample_at += minutes * 6
        began = time.monotonic()
    stopped = time.monotonic() - began
    server.shutdown()
    server.server_close()
    counts, settled, last = coordinator.collect(), samples[min(1, len(samples) - 1)], samples[-1]
    slow = sorted(latencies)
    return {
        "minutes": minutes, "polls": counts.polls, "missed": counts.missed_polls, "hangs": source.hangs,
        "failures": source.failures, "reloads": counts.reloads, "bad_reloads": counts.reload_failures,
        "decisions": number, "decide_us_99": 1e6 * slow[int(len(slow) * 0.99)], "longest_gap_s": gaps[0],
        "events": counter.expected, "lost": counter.lost(coordinator), "decisions_failed": counts.decisions_failed,
        "webhooks": f"{counts.effects['webhook'].sent} sent, {counts.effects['webhook'].failed} failed"
        if "webhook" in counts.effects else "none",
        "stopped_s": stopped, "rss": last.rss, "growth": last.rss - settled.rss,
        "threads": last.threads - settled.threads, "files": last.files - settled.files,
    }  # fmt: skip


def meddle(coordinator: Coordinator, number: int, rng: random.Random, path: Path, text: str) -> None:
    """Do to a running agent what people and jobs do."""
    coordinator.schedule_transfer(Transfer(id=f"t{rng.randrange(30)}", path="/m/x.pt", workload_id="w"))
    coordinator.complete_transfer(f"t{rng.randrange(30)}")
    if number % 20 == 0:
        coordinator.register_workload(Workload(id=f"w{rng.randrange(5)}", gpu_devices=(rng.randrange(8),)), 1.0)
    if number % 500 == 0:
        path.write_text(rng.choice(("rules: [{{{", "\0", "version: 9")))
    elif number % 500 == 20:
        path.write_text(f"{text}\n# {number}\n")
    if number % 300 == 0:
        coordinator.request_reload()
    if number % 700 == 0:
        coordinator.disable()
    elif number % 700 == 30:
        coordinator.enable()


def faults(figures: dict[str, object]) -> list[str]:
    """Return what is wrong with the figures of one run."""
    wrong = []
    for name in ("lost", "decisions_failed"):
        if figures.get(name, 0) != 0:
            wrong.append(f"{name} is {figures[name]}")
    for name in ("threads", "files"):
        if float(str(figures[name])) > (LANES if name == "threads" else 2):
            wrong.append(f"{name} grew by {figures[name]}")
    if float(str(figures["growth"])) > MAX_GROWTH:
        wrong.append(f"memory grew by {figures['growth']:.1f} MB")
    if float(str(figures["rss"])) > MAX_RSS + (ENDPOINT_RSS if "webhooks" in figures else 0.0):
        wrong.append(f"memory is {figures['rss']:.1f} MB")
    return wrong


def show(figures: dict[str, object]) -> bool:
    """Print the figures of one run; return whether they are good."""
    columns = [f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items()]
    wrong = faults(figures)
    print(" · ".join(columns) + (f"\n  WRONG: {'; '.join(wrong)}" if wrong else ""), flush=True)
    return not wrong


def in_child(*arguments: str) -> Callable[[], dict[str, object]]:
    """Begin a run in a process of its own, and return what waits for its figures."""
    process = subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)

    def wait() -> dict[str, object]:
        out, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
        return dict(json.loads(out))

    return wait


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours of each ruleset (0: none)")
    parser.add_argument("--minutes", type=float, default=10.0, help="minutes of real time with faults (0: none)")
    parser.add_argument("--ruleset", action="append", help="only this shipped ruleset")
    parser.add_argument("--child", choices=("day", "real"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        logging.disable(logging.CRITICAL)
        folder = Path(tempfile.mkdtemp(prefix="gpurules-soak-"))
        try:
            done = day(given.ruleset[0], given.hours, folder) if given.child == "day" else real(given.minutes, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(json.dumps(done))
        return 0
    runs = []
    if given.hours:
        names = given.ruleset or shipped_names()
        runs += [("--child", "day", "--ruleset", name, "--hours", str(given.hours)) for name in names]
    if given.minutes:
        runs.insert(0, ("--child", "real", "--minutes", str(given.minutes)))
    good, waiting = True, []
    for arguments in runs:
        waiting.append(in_child(*arguments))
        if len(waiting) > 1:
            good &= show(waiting.pop()())
    for wait in waiting:
        good &= show(wait())
    print("flat, and nothing lost" if good else "NOT GOOD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
