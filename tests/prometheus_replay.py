"""Replays a test of promtool in a real Prometheus server, which then says where the alerts of a rule file fire."""

import json
import math
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pyarrow as pa
import yaml

from tests.prometheus_server import ask, prometheus_server

WEEK = 7 * 86400
STALE = struct.pack("<Q", 0x7FF0000000000002)
"""The NaN that ends a series. Source: Prometheus, model/value: StaleNaN."""

Labels = Mapping[str, str]
Firing = frozenset[tuple[tuple[str, str], ...]]


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(duration: str) -> float:
    """Return a duration of Prometheus in seconds."""
    return sum(float(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhd])", duration))


@dataclass
class Replays:
    """A server that takes what is written to it; each replay has a week, so that no window reaches into another's."""

    address: str
    week: int = 2800

    def write(self, series: Iterable[tuple[Labels, Sequence[tuple[float, bytes]]]]) -> None:
        """Write samples (time in seconds, eight bytes of a double) by the protocol of remote write."""
        whole = b"".join(_chunk(1, _time_series(labels, samples)) for labels, samples in series)
        if whole:
            headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
            body = pa.compress(whole, codec="snappy", asbytes=True)
            urlopen(Request(f"{self.address}/api/v1/write", body, headers), timeout=60).close()


@contextmanager
def replay_server(folder: Path) -> Iterator[Replays]:
    """Run a server that takes remote writes, until the caller is done."""
    with prometheus_server(folder, "global: {}\n", "--web.enable-remote-write-receiver") as address:
        yield Replays(address)


def samples_of(
    test: Mapping[str, Any], base: float, every: float
) -> Iterator[tuple[Labels, list[tuple[float, bytes]]]]:
    """Yield the series of a test of promtool; samples that say nothing new after the end of a series are left out."""
    for series in test["input_series"]:
        samples, is_live = [], False
        for step, word in enumerate(series["values"].split()):
            if word not in ("stale", "_"):
                samples.append((base + step * every, struct.pack("<d", float(word))))
            elif word == "stale" and is_live:
                samples.append((base + step * every, STALE))
            is_live = word != "stale" and (is_live or word != "_")
        yield labels_of(series["series"]), samples


def labels_of(series: str) -> Labels:
    """Return the labels of a series in the notation of promtool."""
    name, _, rest = series.partition("{")
    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', rest)
    return {"__name__": name, **{key: json.loads(f'"{text}"') for key, text in pairs}}


def replay(server: Replays, rules: str, test: Mapping[str, Any], every: float) -> list[Firing]:
    """Return which alerts fire at each evaluation, by the labels that the queries of *test* look at.

    Recording rules are evaluated by the server at each step, and what they say is written back, as its rule manager
    does; alerts are queried over the whole range, and their timers run here.
    """
    base = server.week * float(WEEK)
    server.week += 1
    steps = max(len(series["values"].split()) for series in test["input_series"])
    server.write(samples_of(test, base, every))
    looked_at = re.findall(r"\w+", test["promql_expr_test"][0]["expr"].partition(")")[0])
    groups = yaml.safe_load(rules)["groups"]
    all_rules = [rule for group in groups for rule in group["rules"]]
    recordings = [rule for rule in all_rules if "record" in rule]
    live: dict[str, set[tuple[tuple[str, str], ...]]] = {rule["record"]: set() for rule in recordings}
    for step in range(steps if recordings else 0):
        for rule in recordings:
            record_series(server, rule, base + step * every, live[rule["record"]])
    fired: list[set[tuple[tuple[str, str], ...]]] = [set() for _ in range(steps)]
    for rule in (rule for rule in all_rules if "alert" in rule):
        times = {"start": f"{base:.3f}", "end": f"{base + (steps - 1) * every:.3f}", "step": f"{every:.3f}"}
        found = ask(server.address, "query_range", query=rule["expr"], **times)
        for series in found:
            present = {round((float(at) - base) / every) for at, _ in series["values"]}
            kept = {name: text for name, text in series["metric"].items() if name in looked_at}
            shown = {**kept, "alertname": rule["alert"]}
            for step in firing_steps(present, steps, every, rule):
                fired[step].add(tuple(sorted(shown.items())))
    return [frozenset(labels) for labels in fired]


def record_series(server: Replays, rule: Mapping[str, Any], at: float, live: set[tuple[tuple[str, str], ...]]) -> None:
    """Write what a recording rule says at a time back into the server; *live* are the labels of its last series."""
    now, written = set(), []
    for series in ask(server.address, "query", query=rule["expr"], time=f"{at:.3f}"):
        labels = {**series["metric"], "__name__": rule["record"]}
        now.add(tuple(sorted(labels.items())))
        written.append((labels, [(at, struct.pack("<d", float(series["value"][1])))]))
    server.write([*written, *((dict(gone), [(at, STALE)]) for gone in live - now)])
    live.clear()
    live.update(now)


def firing_steps(present: set[int], steps: int, every: float, rule: Mapping[str, Any]) -> Iterator[int]:
    """Yield when an alert fires that has a series in the steps *present*.

    Source: Prometheus, rules/alerting.go, AlertingRule.Eval.
    """
    wait, keep = (seconds_of(rule.get(name, "0s")) for name in ("for", "keep_firing_for"))
    since, is_firing, kept_since = math.nan, False, math.nan
    for step in range(steps):
        now = step * every
        if step in present:
            kept_since = math.nan
            since = now if math.isnan(since) else since
            is_firing = is_firing or now - since >= wait - 1e-9
        elif is_firing and keep:
            kept_since = now if math.isnan(kept_since) else kept_since
            is_firing = now - kept_since < keep - 1e-9
        else:
            is_firing = False
        if step not in present and not is_firing:
            since = kept_since = math.nan
        if is_firing:
            yield step


def expected_of(test: Mapping[str, Any]) -> list[Firing]:
    """Return which alerts a test of promtool expects to fire at each evaluation."""
    return [
        frozenset(
            tuple(sorted((k, v) for k, v in labels_of(sample["labels"]).items() if k != "__name__"))
            for sample in query["exp_samples"]
        )
        for query in test["promql_expr_test"]
    ]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _chunk(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _time_series(labels: Labels, samples: Sequence[tuple[float, bytes]]) -> bytes:
    pairs = [(name.encode(), text.encode()) for name, text in sorted(labels.items()) if text]
    whole = [_chunk(1, _chunk(1, name) + _chunk(2, text)) for name, text in pairs]
    for at, value in samples:
        whole.append(_chunk(2, b"\x09" + value + b"\x10" + _varint(round(at * 1000))))
    return b"".join(whole)
