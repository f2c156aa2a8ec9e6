"""Judges every rule of a folder of Prometheus rule files by behavior: a real server and the engine, same series.

``python -m tests.rule_file_agreement FOLDER`` prints a table, and each disagreement; the folder is the reader's own.
Each imported rule runs alone, over random walks through values at and around every limit that it names: series that
come and go, labels that match and labels that do not, several series where the import reduces them.
"""

import random
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import find, settings
from hypothesis import strategies as st

from gpurules.engine import Engine
from gpurules.interop.prometheus.importing import ImportedRule, LeftOut, import_rules, read_rules, render_ruleset
from gpurules.interop.prometheus.importing.metrics import METRIC_FIELDS, vendor_of
from gpurules.interop.prometheus.importing.operands import FedField
from gpurules.interop.prometheus.importing.rules import PrometheusRule
from gpurules.interop.prometheus.importing.syntax import (
    Binary,
    FunctionCall,
    Grouping,
    Negation,
    Number,
    Promql,
    SeriesPattern,
    parse_promql,
)
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads
from gpurules.telemetry import TelemetryError
from gpurules.telemetry.formats.prometheus.feeds import Page, fill_fields
from gpurules.telemetry.formats.prometheus.samples import SampleParser
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.sources.scrape import ExporterReader
from tests.prometheus_replay import STALE, Replays, firing_steps, record_series, replay_server
from tests.prometheus_server import ask
from tests.promtool import series_name

GPUS, MOST_STEPS, WALKS, MOST_WALKS = 4, 240, 3, 30
BASE = {"node": "n", "instance": "n", "Hostname": "n", "host": "n", "cluster": "c"}
Owner = str | None
"""The index of a GPU as text; None is the node."""
Steps = Sequence[tuple[bool, Mapping[int, float]]]
"""For each evaluation whether the target answers, and the values that it gives."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the walk, and whom it is of."""

    metric: str
    labels: Mapping[str, str]
    owner: Owner


@dataclass(slots=True)
class Verdict:
    """What became of a rule: left out with a reason, or judged; ``wrong`` says where they disagreed."""

    name: str
    reason: str | None = None
    wrong: str | None = None
    walks: int = 0
    fired: int = 0


@dataclass(slots=True)
class FileVerdict:
    """What became of the rules of a file."""

    path: str
    verdicts: list[Verdict] = field(default_factory=list)

    def count(self, what: str) -> int:
        """Return how many were ``translated``, ``agreed`` or never ``fired``."""
        translated = [one for one in self.verdicts if one.reason is None]
        agreed = [one for one in translated if one.wrong is None]
        return len({"translated": translated, "agreed": agreed, "quiet": [o for o in agreed if not o.fired]}[what])


def parts_of(expression: Promql) -> Iterator[Promql]:
    """Yield the parts of an expression, itself first."""
    yield expression
    match expression:
        case FunctionCall(arguments=inner):
            parts: Sequence[Promql] = inner
        case Grouping(operand=operand) | Negation(operand=operand):
            parts = (operand,)
        case Binary(left=left, right=right):
            parts = (left, right)
        case _:
            parts = ()
    for part in parts:
        yield from parts_of(part)


def inlined(expression: Promql, recordings: Mapping[str, str]) -> tuple[list[Promql], list[str]]:
    """Return the parts of an expression, and those of the recording rules that it reads, with the names of these."""
    parts, read = list(parts_of(expression)), list[str]()
    for part in parts:
        if isinstance(part, SeriesPattern) and part.name in recordings:
            read.insert(0, part.name)
            parts += parts_of(parse_promql(recordings[part.name]))
    return [part for part in parts if not (isinstance(part, SeriesPattern) and part.name in recordings)], read


def example(pattern: str, rng: random.Random) -> str:
    """Return a text that a pattern of Prometheus matches as a whole."""
    choices = pattern.split("|") if not set("()[]") & set(pattern) else [pattern]
    quiet = settings(derandomize=True, database=None, max_examples=200)
    return find(st.from_regex(f"(?s:{rng.choice(choices)})", fullmatch=True), lambda _: True, settings=quiet)


def matching_labels(pattern: SeriesPattern, rng: random.Random) -> dict[str, str]:
    """Return labels that the matchers of a selector accept."""
    labels = {}
    for label, sign, value in pattern.matchers:
        if sign == "=":
            labels[label] = value
        elif sign == "=~":
            labels[label] = example(value, rng)
        else:
            labels.setdefault(label, "other")
    return labels


class Walk:
    """One random walk of the series that a rule reads."""

    def __init__(self, rule: ImportedRule, recordings: Mapping[str, str], rng: random.Random, gaps: float) -> None:
        self.rng = rng
        self.parts, self.recordings = inlined(parse_promql(rule.original.expression), recordings)
        self.patterns = [part for part in self.parts if isinstance(part, SeriesPattern)]
        self.is_absence = "telemetry_age" in rule.condition
        extrapolates = any("extrapolates" in note for note in rule.notes)
        self.gaps = 0.0 if self.is_absence or extrapolates or rule.original.keep_seconds else gaps
        self.feeds = {feed.selector.partition("{")[0]: feed for feed in rule.feeds}
        self.divisors = {
            pattern.name
            for part in self.parts
            if isinstance(part, Binary) and part.operator == "/"
            for pattern in parts_of(part.right)
            if isinstance(pattern, SeriesPattern) and pattern.name in METRIC_FIELDS
            if METRIC_FIELDS[pattern.name].field.name.endswith(("_total", "_limit", "_max"))
        }
        self.every, self.steps, self.stay = self.pace(rule.original)
        longest = max((one.seconds or 0.0 for one in self.patterns), default=0.0)
        self.warm_up = longest / self.every + 1 if extrapolates else 0.0
        self.series = list(self.made_series(rule))
        self.pool = self.limits()

    def pace(self, rule: PrometheusRule) -> tuple[float, int, float]:
        """Return the seconds between evaluations, how many there are, and how likely a value stays."""
        windows = [one.seconds for one in self.patterns if one.seconds]
        timers = [one for one in (rule.for_seconds, rule.keep_seconds) if one]
        times = windows + timers
        every = float(max(5, int(min(times, default=60) / 4)))
        steps = min(MOST_STEPS, max(80, int(4 * max(times, default=0) / every)))
        return every, steps, 1 - 1 / (1.5 * max(timers, default=every) / every + 2)

    def made_series(self, rule: ImportedRule) -> Iterator[Series]:
        """Yield the series: for every metric those that its selectors match, and one that none of them does."""
        seen = set()
        for name in dict.fromkeys(one.name for one in self.patterns):
            patterns = [one for one in self.patterns if one.name == name]
            feeds = [feed for feed in rule.feeds if feed.selector.partition("{")[0] == name]
            is_gpu = name in METRIC_FIELDS or any(feed.scope == "gpu" for feed in feeds)
            sets = [matching_labels(one, self.rng) for one in patterns]
            if any(feed.aggregate is None for feed in feeds) or name in METRIC_FIELDS:
                sets = [{key: value for labels in sets for key, value in labels.items()}]
            elif feeds:
                parts = "abcdefghijklm"[: self.parts_count(feeds)]
                sets = [{**labels, "part": part} for labels in sets for part in parts]
            if feeds and any(one.matchers for one in patterns):
                sets.append({label: "none-of-these" for one in patterns for label, _, _ in one.matchers})
            for owner in map(str, range(GPUS)) if is_gpu else (None,):
                for labels in sets:
                    whole = {**BASE, **self.labels_of(name, owner), **labels}
                    if is_gpu and any(key in ("gpu", "index", "gpu_id") for key in labels):
                        whole |= self.labels_of(name, owner)
                    key = (name, tuple(sorted(whole.items())))
                    if key not in seen and not (name == "up" and labels.get("job") == "none-of-these"):
                        seen.add(key)
                        yield Series(name, whole, owner)

    def parts_count(self, feeds: Sequence[FedField]) -> int:
        """Return of how many series a metric has to be, where the import reduces them."""
        return self.rng.randint(1, 13 if any(feed.aggregate == "count" for feed in feeds) else 3)

    def labels_of(self, metric: str, owner: Owner) -> dict[str, str]:
        """Return the labels that an exporter gives series of a GPU."""
        if owner is None:
            return {}
        if metric.startswith("nvidia_smi_"):
            return {"uuid": owner}  # without the first part of the driver's, as this exporter does
        named = {"UUID": f"GPU-{owner}", "gpu": owner, "modelName": "NVIDIA H100", "device": f"nvidia{owner}"}
        return {"gpu_id": owner} if vendor_of(metric) not in (None, "nvidia") else named

    def limits(self) -> list[float]:
        """Return values at and around every number of the expression, and those that reach it by a ratio."""
        numbers = {abs(part.value) for part in self.parts if isinstance(part, Number)} | {0.0, 1.0}
        wide = {n / 100 for n in numbers} | {n * 100 for n in numbers} | {n * 8 for n in numbers} | {10.0, 80.0, 7.0}
        near = {v for n in numbers for v in (n, n + 1, n - 1, n * 1.01, n * 0.99, n * 1.5, n / 2)}
        products = {a * b for a in numbers for b in (1, 10, 100, 70)} | {a * b for a in numbers for b in numbers}
        return sorted(value for value in near | wide | products if value >= 0)

    def next_value(self, series: Series) -> float:
        """Return a value for a series."""
        choices = self.pool if series.metric not in self.divisors else [one for one in self.pool if one > 0]
        known = METRIC_FIELDS.get(series.metric)
        if known is not None and known.field.maximum is not None:
            most = known.field.maximum / known.factor
            choices = [one for one in choices if one <= most] or [most]
        return self.rng.choice(choices)

    def values(self) -> Iterator[tuple[bool, dict[int, float]]]:
        """Yield for each step whether the target answers, and the value of each series that is there."""
        state = {place: self.next_value(one) for place, one in enumerate(self.series)}
        absent = dict.fromkeys(state, False)
        is_up = True
        for step in range(self.steps):
            if self.is_absence and step and self.rng.random() > self.stay:
                is_up = not is_up
            for place, one in enumerate(self.series):
                if step >= self.warm_up and self.rng.random() > self.stay:
                    state[place] = self.next_value(one)
                if self.rng.random() < (0.5 if absent[place] else self.gaps):
                    absent[place] = not absent[place]
            up = {place: float(is_up) for place, one in enumerate(self.series) if one.metric == "up"}
            here = {p: v for p, v in state.items() if is_up and not absent[p] and p not in up}
            yield is_up, here | up


class Fixed:
    """A page that is scraped."""

    place = "page"

    def __init__(self, text: str) -> None:
        self.text = text

    def fetch(self) -> str:
        """Return it."""
        return self.text


def snapshot_of(walk: Walk, request: PollRequest, values: Mapping[int, float], at: float) -> Snapshot:
    """Return what a live source makes of the series: an exporter's GPUs, and those that another source lists."""
    lines = [f"{series_name(walk.series[p].metric, walk.series[p].labels)} {v!r}" for p, v in values.items()]
    if any(one.name.startswith("nvidia_smi_") for one in walk.patterns):
        lines += [f'nvidia_smi_gpu_info{{uuid="{n}",index="{n}",name="NVIDIA H100"}} 1' for n in range(GPUS)]
    text = "".join(f"{line}\n" for line in lines)
    try:
        read = ExporterReader(Fixed(text), clock=lambda: at).read(request)  # type: ignore[arg-type]
    except TelemetryError:
        read = Snapshot(timestamp=at)
    known = {(gpu.uuid or "").lower() for gpu in read.gpus}
    vendors = {vendor for one in walk.patterns if (vendor := vendor_of(one.name)) is not None}
    vendor = vendors.pop() if len(vendors) == 1 else "nvidia"
    others = tuple(
        GPU(index=n, uuid=f"GPU-{n}", vendor=vendor, name="NVIDIA H100", status="ok")
        for n in range(GPUS) if f"gpu-{n}" not in known
    )  # fmt: skip
    gpus = tuple(sorted((*read.gpus, *others), key=lambda gpu: (gpu.uuid or "").lower()))
    samples = [sample for line in lines if (sample := SampleParser().parse(line)) is not None]
    return fill_fields(Snapshot(timestamp=at, gpus=gpus, labels=read.labels), [Page("page", samples)], request.feeds)


def engine_fires(rule: ImportedRule, walk: Walk, steps: Steps) -> list[set[Owner]]:
    """Return on whom the imported rule matches at each step."""
    timing = f"settings: {{poll_interval: {walk.every:g}s, stale_after: {'15s' if walk.is_absence else '1s'}}}"
    ruleset = loads(f"{render_ruleset([rule], (), 'imported')}\n{timing}\n")
    request = PollRequest(feeds=tuple(one for one in ruleset.fields.values() if one.feed is not None))
    now = [0.0]
    engine = Engine(ruleset, clock=lambda: now[0])
    fired: list[set[Owner]] = []
    for step, (is_up, values) in enumerate(steps):
        now[0] = step * walk.every
        if is_up:
            engine.observe(snapshot_of(walk, request, values, now[0]))
        matched = engine.decide().matched
        fired.append({str(device) for match in matched for device in match.devices} or ({None} if matched else set()))
    return fired


def owner_of(labels: Mapping[str, str]) -> Owner:
    """Return the GPU that the labels of an alert name."""
    for name in ("gpu", "gpu_id"):
        if labels.get(name):
            return labels[name]
    uuid = labels.get("UUID") or labels.get("uuid") or ""
    return uuid.rpartition("-")[2] or None


def server_fires(
    server: Replays, rule: ImportedRule, walk: Walk, steps: Steps, recordings: Mapping[str, str]
) -> list[set[Owner]]:
    """Return on whom the alert fires at each step: the expression in the server, its timers for each GPU or node."""
    base = server.week * 7 * 86400.0
    server.week += 2 + int(walk.steps * walk.every / (7 * 86400))
    written = []
    for place, one in enumerate(walk.series):
        samples, is_live = [], False
        for step, (_, values) in enumerate(steps):
            at = base + step * walk.every
            if place in values:
                samples.append((at, struct.pack("<d", values[place])))
            elif is_live:
                samples.append((at, STALE))
            is_live = place in values
        written.append(({"__name__": one.metric, **one.labels}, samples))
    server.write(written)
    for name in walk.recordings:
        live: set[tuple[tuple[str, str], ...]] = set()
        for step in range(walk.steps):
            recording = {"record": name, "expr": recordings[name]}
            record_series(server, recording, base + step * walk.every, live)
    span = {"start": f"{base:.3f}", "end": f"{base + (walk.steps - 1) * walk.every:.3f}", "step": f"{walk.every:.3f}"}
    present: dict[Owner, set[int]] = {}
    for series in ask(server.address, "query_range", query=rule.original.expression, **span):
        owner = None if walk.is_absence else owner_of(series["metric"])
        present.setdefault(owner, set()).update(round((float(at) - base) / walk.every) for at, _ in series["values"])
    original = rule.original
    timers = {"for": f"{original.for_seconds * 1000:.0f}ms", "keep_firing_for": f"{original.keep_seconds * 1000:.0f}ms"}
    fired: list[set[Owner]] = [set() for _ in range(walk.steps)]
    for owner, where in present.items():
        for step in firing_steps(where, walk.steps, walk.every, timers):
            fired[step].add(owner)
    return fired


def judge_rule(server: Replays, rule: ImportedRule, recordings: Mapping[str, str]) -> Verdict:
    """Compare the firing state of a rule at every evaluation of several walks; more where it never fires."""
    verdict = Verdict(rule.original.name)
    while verdict.walks < MOST_WALKS and (verdict.walks < WALKS or not verdict.fired):
        rng = random.Random(f"{rule.original.name} {verdict.walks}")
        walk = Walk(rule, recordings, rng, gaps=(0.0, 0.05, 0.3)[verdict.walks % 3])
        steps = list(walk.values())
        ours = engine_fires(rule, walk, steps)
        theirs = server_fires(server, rule, walk, steps, recordings)
        is_per_gpu = any(owner is not None for fires in ours for owner in fires)
        if not is_per_gpu and any(None in fires for fires in ours):
            theirs = [{None} if fires else set() for fires in theirs]
        verdict.walks += 1
        verdict.fired += sum(map(len, theirs))
        for step, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one != other:
                values = [
                    (series_name(s.metric, {k: v for k, v in s.labels.items() if k not in BASE}), steps[step][1].get(p))
                    for p, s in enumerate(walk.series)
                ]
                verdict.wrong = (
                    f"walk {verdict.walks - 1} step {step} of {walk.steps}, every {walk.every:g}s: `{rule.condition}` "
                    f"matches {sorted(map(str, one))}, Prometheus fires {sorted(map(str, other))}; {values}"
                )
                return verdict
    return verdict


def judge_file(server: Replays, path: Path) -> FileVerdict:
    """Import the rules of a file and judge each."""
    rules = read_rules(path.read_bytes(), path.name)
    found = import_rules(rules)
    recordings = {one.name: one.expression for one in rules if one.is_recording and one.problem is None}
    left_out: Iterable[LeftOut] = found.left_out
    verdicts = [Verdict(one.name, reason=one.reason) for one in left_out]
    return FileVerdict(path.name, [*verdicts, *(judge_rule(server, rule, recordings) for rule in found.rules)])


def rule_files(folder: Path) -> list[Path]:
    """Return the files of a folder, in order of name."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml"))


def main(folder: str) -> int:
    """Print a line for each file, what was left out, and each disagreement."""
    wrong = 0
    with tempfile.TemporaryDirectory() as data, replay_server(Path(data)) as server:
        for path in rule_files(Path(folder)):
            found = judge_file(server, path)
            counts = [found.count(what) for what in ("translated", "agreed", "quiet")]
            wrong += counts[0] - counts[1]
            print(f"{found.path}: {len(found.verdicts)} rules, {counts[0]} translated, {counts[1]} agreed", end="")
            print(f", {counts[2]} of these never fired")
            for one in found.verdicts:
                why = one.reason or one.wrong or ("never fired" if not one.fired else None)
                if why:
                    print(f"    {one.name}: {'left out: ' if one.reason else ''}{why}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
