"""Reads conformance vectors: this project's own, and a shared collection where it is at hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gpurules.model import Snapshot, Transfer, Workload

ROOT = Path(__file__).resolve().parent
SHARED = ROOT.parents[2] / "shared" / "conformance"
COLLECTIONS = (ROOT, SHARED, SHARED / "next")
NEW_YEAR = 1767225600.0


class _Loader(yaml.SafeLoader):
    """YAML in which only true and false are bools, and ``22:00`` is a text."""


_KEPT = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(0|[1-9][0-9]*)$"), list("-0123456789"))


@dataclass(frozen=True)
class Vector:
    """One case, with all that its group and file give it."""

    id: str
    case: dict[str, Any]
    given: dict[str, Any]
    fields: dict[str, Any]
    objects: dict[str, Any]
    gpu: dict[str, Any]

    def object(self, name: str) -> Any:
        """Return what is given under *name*, an object of the file by its name."""
        value = self.given.get(name)
        return self.objects.get(value, value) if isinstance(value, str) else value

    def snapshot(self, data: dict[str, Any] | None = None) -> Snapshot:
        """Return the snapshot that is given, or the one of *data*, completed as the collection's readme says."""
        data = dict(data if data is not None else self.object("snapshot") or {"gpus": []})
        data.setdefault("timestamp", NEW_YEAR)
        data["gpus"] = [
            {**self.gpu, "uuid": f"GPU-{gpu.get('index', place)}", **gpu}
            for place, gpu in enumerate(data.get("gpus", []))
        ]
        return Snapshot.from_dict(data)

    def about(self) -> dict[str, Any]:
        """Return transfer, workload and node as arguments of an evaluation."""
        arguments: dict[str, Any] = {}
        if transfer := self.object("transfer"):
            arguments["transfer"] = Transfer.from_dict(transfer)
        if workload := self.object("workload"):
            arguments["workload"] = Workload.from_dict(workload)
        if node := self.object("node"):
            arguments["node"] = node
        return arguments


def joined(text: Any) -> str:
    """Return the text of a case; a list is joined, and a part ``[text, n]`` is repeated."""
    if not isinstance(text, list):
        return str(text)
    return "".join(str(part) if not isinstance(part, list) else str(part[0]) * int(part[1]) for part in text)


def vectors(kind: str) -> list[Vector]:
    """Return every case that has the key *kind* (``condition``, ``ruleset`` with ``expect``, or ``sequence``)."""
    found = [vector for vector in _all() if kind in vector.case and (kind == "sequence") == ("sequence" in vector.case)]
    assert found, "no vectors: an empty collection proves nothing"
    return found


@cache
def _all() -> tuple[Vector, ...]:
    return tuple(_read())


def _read() -> Iterator[Vector]:
    for folder in COLLECTIONS:
        for path in sorted(folder.glob("*.yaml")):
            if folder != ROOT and (ROOT / path.name).is_file() and (ROOT / path.name).read_bytes() == path.read_bytes():
                continue
            document = yaml.load(path.read_text(encoding="utf-8"), _Loader)
            for group in document["groups"]:
                for number, case in enumerate(group["cases"], start=1):
                    if isinstance(case, list):
                        case = {"condition": case[0], "expect": case[1]}
                    yield Vector(
                        f"{path.stem}/{group['name']}/{number}",
                        case,
                        {**group.get("given", {}), **case.get("given", {})},
                        {**group.get("fields", {}), **case.get("fields", {})},
                        document.get("objects", {}),
                        {**document.get("gpu", {}), **group.get("gpu", {})},
                    )
