"""Lays phases of facts out as series: what never changes is given, everything else has a sample for each step."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from gpurules.ruletest.case import Data
from gpurules.ruletest.series import SeriesError, samples

_SINGLE = ("transfer", "workload", "node")


def lay_out(phases: Sequence[tuple[Data, int]]) -> tuple[Data, dict[str, str]] | None:
    """Return what is given, and the series by path; *phases* are facts with how many samples they last.

    Missing: None where a fact that changes cannot be written as a series: a fact of the snapshot, a list, a text with
    a space in it.
    """
    flat = [dict(_facts(facts)) for facts, _ in phases]
    given: Data = {}
    series: dict[str, str] = {}
    gpus = {path[1]: {"index": path[1]} for facts in flat for path in facts if path[0] == "gpu"}
    for path in dict.fromkeys(path for facts in flat for path in facts):
        known = [facts.get(path) for facts in flat]
        if all(value == known[0] for value in known):
            _give(given, gpus, path, known[0])
            continue
        texts = ["_" if value is None else _text(value) for value in known]
        name = _path(path)
        if name is None or None in texts:
            return None
        steps = [(str(text), count) for text, (_, count) in zip(texts, phases, strict=True)]
        series[name] = " ".join(_runs(steps))
    if gpus:
        snapshot = given.setdefault("snapshot", {})
        assert isinstance(snapshot, dict)
        snapshot["gpus"] = [{k: v for k, v in gpu.items() if k != "index" or v is not None} for gpu in gpus.values()]
    return given, series


def _facts(facts: Data) -> Iterator[tuple[tuple[str, object, str], object]]:
    """Yield every fact by its kind, the index of its GPU, and its name."""
    snapshot = facts.get("snapshot")
    for name, value in (snapshot if isinstance(snapshot, Mapping) else {}).items():
        if name != "gpus":
            yield ("snapshot", None, name), value
            continue
        for place, gpu in enumerate(value):
            yield from ((("gpu", gpu.get("index", place), name), fact) for name, fact in gpu.items())
    for kind in _SINGLE:
        inner = facts.get(kind)
        yield from (((kind, None, name), fact) for name, fact in (inner if isinstance(inner, Mapping) else {}).items())


def _give(given: Data, gpus: dict[object, dict[str, object]], path: tuple[str, object, str], value: object) -> None:
    kind, index, name = path
    if kind == "gpu":
        gpus[index][name] = value
        return
    holder = given.setdefault(kind, {})
    assert isinstance(holder, dict)
    holder[name] = value


def _path(path: tuple[str, object, str]) -> str | None:
    kind, index, name = path
    if kind == "gpu":
        return f"gpu[{index}].{name}"
    return f"{kind}.{name}" if kind in _SINGLE else None


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.12g}"
    if not isinstance(value, str):
        return None
    try:
        read_back = [sample.text for text in (value, f"{value}x2") for sample in samples(text)]
    except SeriesError:
        return None
    return value if read_back == [value] * 3 else None


def _runs(steps: Sequence[tuple[str, int]]) -> Iterator[str]:
    for text, run in groupby(steps, key=lambda step: step[0]):
        count = sum(length for _, length in run)
        if count:
            yield text if count == 1 else f"{text}x{count}"
