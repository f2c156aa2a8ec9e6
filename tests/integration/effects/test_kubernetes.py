"""The action ``kubernetes`` against a stand-in for the API server, over HTTPS and with a token."""

import copy
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.actions import ActionError, Event
from gpurules.actions.effects.kubernetes import Kubernetes
from gpurules.actions.effects.node_holds import HOLDS, NodeMarks, node_patch
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater
from tests.integration.effects.api_server import TOKEN, ApiServer, _merged
from tests.integration.effects.certificates import Certificate, make_certificate

ALL: dict[str, Any] = {
    "condition": "GPUUnhealthy",
    "event": True,
    "taint": {"key": "gpurules.io/unhealthy", "value": "heat", "effect": "NoSchedule"},
    "labels": {"gpurules.io/health": "bad"},
    "cordon": True,
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("KUBE_TOKEN", TOKEN)
    made = ApiServer(certificate)
    made.certificate = certificate  # type: ignore[attr-defined]
    yield made
    made.close()


def event(server: ApiServer, rule: str = "gpu_too_hot", edge: Any = "start", **parameters: Any) -> Event:
    certificate: Certificate = server.certificate  # type: ignore[attr-defined]
    place = {"server": server.url, "ca_file": str(certificate.cert), "secret_env": "KUBE_TOKEN", "timeout": 5.0}
    given = {**place, "message": "GPU {devices} at {gpu_temperature}", **(parameters or ALL)}
    values = {"gpu_temperature": 91, "host": "gpu-7"}
    return Event(edge, rule, 1767225600.5, given, (0,), None, values, started=1767225600.5)


def marks(server: ApiServer) -> dict[str, Any]:
    node = server.node
    condition = {c["type"]: c["status"] for c in node["status"]["conditions"]}
    return {
        "cordoned": node["spec"].get("unschedulable", False),
        "taints": [one["key"] for one in node["spec"].get("taints", [])],
        "labels": node["metadata"]["labels"],
        "condition": condition.get("GPUUnhealthy"),
        "held": sorted(json.loads(node["metadata"].get("annotations", {}).get(HOLDS, "{}"))),
    }


CLEAN = {"cordoned": False, "taints": ["other"], "labels": {"zone": "a"}, "condition": None, "held": []}


def test_a_node_is_marked_in_every_way_and_unmarked(server: ApiServer):
    Kubernetes().start(event(server))
    assert marks(server) == {
        "cordoned": True,
        "taints": ["other", "gpurules.io/unhealthy"],
        "labels": {"zone": "a", "gpurules.io/health": "bad"},
        "condition": "True",
        "held": [
            "condition:GPUUnhealthy", "cordon", "label:gpurules.io/health", "taint:gpurules.io/unhealthy:NoSchedule",
        ],
    }  # fmt: skip
    (reported,) = [c for c in server.node["status"]["conditions"] if c["type"] == "GPUUnhealthy"]
    assert (reported["reason"], reported["message"]) == ("GpuTooHot", "GPU 0 at 91")
    assert reported["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    Kubernetes().stop(event(server, edge="stop"))
    assert marks(server) == CLEAN | {"condition": "False"}
    assert [(e["type"], e["reason"]) for e in server.events.values()] == [
        ("Warning", "GpuTooHot"),
        ("Normal", "GpuTooHotStop"),
    ]


@pytest.mark.parametrize("edge", ["start", "stop"])
def test_every_attempt_again_changes_nothing(server: ApiServer, edge: Any):
    Kubernetes().start(event(server))
    act = Kubernetes().start if edge == "start" else Kubernetes().stop
    act(event(server, edge=edge))
    before, events = marks(server), len(server.events)
    act(event(server, edge=edge))
    assert (marks(server), len(server.events)) == (before, events)


@pytest.mark.parametrize("at", range(4))
def test_an_attempt_that_breaks_off_anywhere_is_completed_by_the_next(server: ApiServer, at: int):
    for edge, act in (("start", Kubernetes().start), ("stop", Kubernetes().stop)):
        real, count = server.answer, iter(range(100))

        def failing(*arguments: Any, real: Any = real, count: Any = count) -> tuple[int, Any]:
            return (500, {}) if next(count) == at else real(*arguments)

        server.answer = failing  # type: ignore[method-assign]
        with pytest.raises(RetryLater, match="500"):
            act(event(server, edge=edge))
        server.answer = real  # type: ignore[method-assign]
        act(event(server, edge=edge))
        assert marks(server)["condition"] == ("True" if edge == "start" else "False")
    assert marks(server) == CLEAN | {"condition": "False"}


def test_what_others_set_is_not_undone(server: ApiServer):
    server.node["spec"] |= {"unschedulable": True, "taints": [dict(ALL["taint"])]}
    server.node["metadata"]["labels"]["gpurules.io/health"] = "by-hand"
    before = copy.deepcopy({k: server.node[k] for k in ("spec",)}), dict(server.node["metadata"]["labels"])
    Kubernetes().start(event(server))
    Kubernetes().stop(event(server, edge="stop"))
    assert ({"spec": server.node["spec"]}, server.node["metadata"]["labels"]) == before


def test_the_last_of_several_rules_unmarks_the_node(server: ApiServer):
    for rule in ("hot", "lost"):
        Kubernetes().start(event(server, rule))
    Kubernetes().stop(event(server, "hot", "stop"))
    assert marks(server)["cordoned"] and marks(server)["condition"] == "True"
    Kubernetes().stop(event(server, "lost", "stop"))
    assert marks(server) == CLEAN | {"condition": "False"}


def test_what_an_administrator_undid_in_between_stays_undone(server: ApiServer):
    Kubernetes().start(event(server, cordon=True))
    del server.node["spec"]["unschedulable"]
    Kubernetes().stop(event(server, edge="stop", cordon=True))
    assert marks(server) == CLEAN


def test_a_mark_whose_value_another_changed_in_between_is_left_alone(server: ApiServer):
    Kubernetes().start(event(server))
    server.node["metadata"]["labels"]["gpurules.io/health"] = "ticket-4711"
    server.node["spec"]["taints"][1]["value"] = "ticket-4711"
    Kubernetes().stop(event(server, edge="stop"))
    assert marks(server)["labels"] == {"zone": "a", "gpurules.io/health": "ticket-4711"}
    assert (marks(server)["taints"], marks(server)["held"]) == (["other", "gpurules.io/unhealthy"], [])


def test_a_change_in_between_is_a_conflict_and_tried_again(server: ApiServer):
    def meanwhile(node: dict[str, Any]) -> None:
        node["spec"]["taints"] = [*node["spec"]["taints"], {"key": "new", "effect": "NoExecute"}]
        ApiServer.touch(node)

    server.meanwhile = [meanwhile]
    with pytest.raises(RetryLater, match="changed meanwhile"):
        Kubernetes().start(event(server))
    Kubernetes().start(event(server))
    assert marks(server)["taints"] == ["other", "new", "gpurules.io/unhealthy"], "the taint of another is kept"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RefusedError), (403, RefusedError), (404, RefusedError), (422, RefusedError), (301, RefusedError),
     (401, RetryLater), (408, RetryLater), (429, RetryLater), (500, RetryLater), (503, RetryLater)],
)  # fmt: skip
def test_refusals_are_final_and_trouble_is_tried_later(
    server: ApiServer, status: int, error: type[ActionError], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    server.failures = [status]
    with pytest.raises(error, match=str(status)) as caught:
        Kubernetes().start(event(server))
    assert type(caught.value) is error and TOKEN not in repr(caught.value) + caplog.text


def test_a_token_that_is_renewed_is_used_at_once(server: ApiServer, tmp_path: Path):
    (tmp_path / "token").write_text("old\n")
    made = event(server)
    given = {name: value for name, value in made.parameters.items() if name != "secret_env"}
    made = replace(made, parameters={**given, "secret_file": str(tmp_path / "token")})
    with pytest.raises(RetryLater, match="401"):
        Kubernetes().start(made)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    Kubernetes().start(made)
    assert marks(server)["cordoned"]


def test_a_server_that_cannot_prove_who_it_is_gets_no_token(server: ApiServer, tmp_path: Path):
    made = event(server)
    other = make_certificate(tmp_path)
    with pytest.raises(RetryLater):
        Kubernetes().start(replace(made, parameters={**made.parameters, "ca_file": str(other.cert)}))
    assert server.requests == []


@pytest.mark.parametrize("answer", [b"", b"[]", b"{", b"null", b'{"metadata": 5, "spec": [], "status": null}'])
def test_an_answer_that_is_no_node_is_an_error_and_no_crash(server: ApiServer, answer: bytes, monkeypatch: Any):
    from gpurules.actions.effects.transport import posting

    monkeypatch.setattr(posting, "exchange", lambda post: posting.HttpReply(200, "OK", answer, None))
    try:
        Kubernetes().start(event(server))
    except ActionError:
        assert answer[:1] != b'{"'


@pytest.mark.parametrize("host", ["", "a/b", "../secrets", "A", "x" * 300, "a b"])
def test_what_is_not_the_name_of_a_node_is_never_a_path(server: ApiServer, host: str):
    with pytest.raises(ActionError, match="not the name of a node"):
        Kubernetes().start(replace(event(server), values={"host": host}))
    assert server.requests == []


def test_outside_of_a_cluster_the_server_must_be_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBE_TOKEN", TOKEN)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ActionError, match="does not run in a cluster"):
        Kubernetes().start(Event("start", "r", 1.0, {"cordon": True, "secret_env": "KUBE_TOKEN"}))


def test_inside_of_a_cluster_the_environment_says_where_server_and_node_are(server: ApiServer, monkeypatch: Any):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.url.rpartition(":")[2])
    monkeypatch.setenv("NODE_NAME", "gpu-7")
    made = event(server)
    given = {name: value for name, value in made.parameters.items() if name != "server"}
    Kubernetes().start(replace(made, parameters=given, values={"host": "pod-x"}))
    assert marks(server)["cordoned"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({}, "GPR503"), ({"event": False}, "GPR503"), ({"cordon": True, "grouping": "gpu"}, "GPR505")],
)
def test_a_rule_that_marks_nothing_or_marks_gpus_is_found(parameters: dict[str, Any], code: str):
    assert code in [complaint.code for complaint in Kubernetes().check(parameters)]


STEPS = st.lists(st.tuples(st.sampled_from(["a", "b", "admin"]), st.booleans()), max_size=12)


@given(STEPS)
def test_a_node_is_cordoned_while_any_rule_holds_it_or_someone_else_does(steps: Any):
    """An administrator cordons only what is not cordoned, and uncordons only what no rule holds."""
    node: dict[str, Any] = {"metadata": {}, "spec": {}}
    wanted = NodeMarks(True, None, {}, None)
    by_hand, holding = False, set()
    for who, is_on in steps:
        if who == "admin":
            if node["spec"].get("unschedulable", False) is not by_hand or holding:
                continue
            by_hand = is_on
            node["spec"] = {"unschedulable": True} if is_on else {}
        else:
            patch, _ = node_patch(node, wanted, who, is_on)
            node = _merged(node, patch or {})
            if is_on and not by_hand:
                holding.add(who)
            elif not is_on:
                holding.discard(who)
        assert node["spec"].get("unschedulable", False) is (by_hand or bool(holding))
