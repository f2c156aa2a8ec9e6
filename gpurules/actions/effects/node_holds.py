"""Which rules want what of a Kubernetes node: noted in an annotation, so that nothing is undone that another set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gpurules.actions.action import Parameters
from gpurules.strict_json import dumps, loads

HOLDS = "gpurules.io/holds"
"""The annotation: a JSON object with the rules that hold each mark."""


@dataclass(frozen=True, slots=True)
class NodeMarks:
    """The marks of one action. Missing: ``taint`` and ``condition`` None: it sets none."""

    cordon: bool
    taint: Mapping[str, str] | None
    labels: Mapping[str, str]
    condition: str | None

    @classmethod
    def of(cls, given: Parameters) -> "NodeMarks":
        """Return what *given* parameters want."""
        taint, labels, condition = given.get("taint"), given.get("labels"), given.get("condition")
        return cls(
            given.get("cordon") is True,
            {str(k): str(v) for k, v in taint.items()} if isinstance(taint, Mapping) else None,
            {str(k): str(v) for k, v in labels.items()} if isinstance(labels, Mapping) else {},
            condition if isinstance(condition, str) else None,
        )


class _Holds:
    """The holders of each mark; what cannot be read holds nothing."""

    def __init__(self, annotation: object) -> None:
        self.by_mark: dict[str, list[str]] = {}
        try:
            data = loads(annotation) if isinstance(annotation, str) else {}
        except ValueError:
            data = {}
        for mark, rules in data.items() if isinstance(data, dict) else ():
            if isinstance(rules, list):
                self.by_mark[str(mark)] = [str(rule) for rule in rules]

    def take(self, mark: str, rule: str, is_set: bool) -> bool:
        """Note that *rule* wants *mark*, and return whether to set it: not if another than us has set it."""
        if is_set and mark not in self.by_mark:
            return False
        rules = self.by_mark.setdefault(mark, [])
        if rule not in rules:
            rules.append(rule)
        return not is_set

    def release(self, mark: str, rule: str) -> bool:
        """Note that *rule* no longer wants *mark*, and return whether to unset it."""
        rules = self.by_mark.get(mark, [])
        if rule not in rules:
            return False
        rules.remove(rule)
        if rules:
            return False
        del self.by_mark[mark]
        return True


def node_patch(
    node: Mapping[str, Any], wanted: NodeMarks, rule: str, is_on: bool
) -> tuple[dict[str, object] | None, tuple[str, ...]]:
    """Return the merge patch that makes *node* as *rule* wants it, and which other rules hold its condition.

    Missing: the patch is None where there is nothing to change.
    """
    metadata, spec = _mapping(node.get("metadata")), _mapping(node.get("spec"))
    annotations = _mapping(metadata.get("annotations"))
    holds = _Holds(annotations.get(HOLDS))
    spec_patch = _spec(spec, wanted, (rule, is_on), holds)
    labels = _labels(_mapping(metadata.get("labels")), wanted, (rule, is_on), holds)
    if wanted.condition is not None:
        mark = f"condition:{wanted.condition}"
        if is_on:
            holds.take(mark, rule, is_set=mark in holds.by_mark)
        else:
            holds.release(mark, rule)
    held = tuple(holds.by_mark.get(f"condition:{wanted.condition}", ()))
    noted = dumps(holds.by_mark) if holds.by_mark else None
    patch: dict[str, object] = {}
    if noted != annotations.get(HOLDS):
        patch["metadata"] = {"annotations": {HOLDS: noted}}
    if labels:
        patch["metadata"] = {**_mapping(patch.get("metadata")), "labels": labels}
    if spec_patch:
        patch["spec"] = spec_patch
    if not patch:
        return None, held
    version = metadata.get("resourceVersion")  # so that a change in between is a conflict
    patch["metadata"] = {**_mapping(patch.get("metadata")), **({"resourceVersion": version} if version else {})}
    return patch, held


def _spec(spec: Mapping[str, Any], wanted: NodeMarks, who: tuple[str, bool], holds: _Holds) -> dict[str, object]:
    rule, is_on = who
    patch: dict[str, object] = {}
    if wanted.cordon:
        is_cordoned = spec.get("unschedulable") is True
        if is_on and holds.take("cordon", rule, is_cordoned):
            patch["unschedulable"] = True
        elif not is_on and holds.release("cordon", rule) and is_cordoned:
            patch["unschedulable"] = None
    if wanted.taint is not None:
        taints = [t for t in _listed(spec.get("taints")) if isinstance(t, Mapping)]
        key, effect = wanted.taint.get("key"), wanted.taint.get("effect")
        others = [t for t in taints if (t.get("key"), t.get("effect")) != (key, effect)]
        mark, is_tainted = f"taint:{key}:{effect}", len(others) < len(taints)
        if is_on and holds.take(mark, rule, is_tainted):
            patch["taints"] = [*others, dict(wanted.taint)]
        elif not is_on and holds.release(mark, rule) and any(_is_same(t, wanted.taint) for t in taints):
            patch["taints"] = others or None
    return patch


def _is_same(taint: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all((taint.get(name) or "") == (wanted.get(name) or "") for name in ("key", "value", "effect"))


def _labels(
    present: Mapping[str, Any], wanted: NodeMarks, who: tuple[str, bool], holds: _Holds
) -> dict[str, str | None]:
    rule, is_on = who
    patch: dict[str, str | None] = {}
    for name, value in wanted.labels.items():
        mark = f"label:{name}"
        if is_on and holds.take(mark, rule, name in present):
            patch[name] = value
        elif not is_on and holds.release(mark, rule) and present.get(name) == value:
            patch[name] = None
    return patch


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()
