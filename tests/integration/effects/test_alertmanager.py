"""The action ``alertmanager`` against a real Alertmanager."""

import json
import shutil
import time
import urllib.parse
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from examples.alerts.receiver import Alertmanager as RealAlertmanager
from gpurules.actions import Event
from gpurules.actions.effects.alertmanager import Alertmanager


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("Alertmanager is not installed")
    made = RealAlertmanager(program, tmp_path_factory.mktemp("alertmanager"))
    made.start()
    yield made
    made.stop()


def alerts(server: RealAlertmanager, name: str) -> list[dict[str, Any]]:
    """Return the alerts of that name that fire."""
    query = urllib.parse.urlencode({"filter": f'alertname="{name}"'})
    return list(json.loads(server.get(f"/api/v2/alerts?{query}")))


def seconds(text: str) -> float:
    """Return a time of Alertmanager in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def event(server: RealAlertmanager, rule: str, edge: Any = "start", **more: Any) -> Event:
    parameters = {
        "url": server.url + "/",
        "summary": "GPU {devices} at {gpu_temperature}",
        **more.pop("parameters", {}),
    }
    at = round(time.time(), 3)
    values = {"host": "node-7", "gpu_temperature": 91}
    given = {"annotations": {"run-book": "https://x", "9a": "y"}, "started": at, "per_gpu": {"gpu_temperature": (91,)}}
    return Event(edge, rule, at, parameters, (0,), None, values, **given | more)


def test_an_alert_fires_changes_and_resolves(server: RealAlertmanager):
    start = event(server, "hot", parameters={"labels": {"severity": "critical"}, "annotations": {"on": "{host}"}})
    Alertmanager().start(start)
    (alert,) = alerts(server, "hot")
    assert alert["labels"] == {"alertname": "hot", "host": "node-7", "severity": "critical"}
    assert alert["annotations"] == {
        "summary": "GPU 0 at 91", "gpus": "0", "gpu_temperature": "91", "on": "node-7",
        "run_book": "https://x", "_9a": "y",
    }  # fmt: skip
    assert alert["status"]["state"] in ("active", "unprocessed")
    change = replace(start, edge="change", devices=(0, 1), joined=(1,), per_gpu={"gpu_temperature": (91, 88)})
    Alertmanager().start(change)
    (alert,) = alerts(server, "hot")
    assert (alert["annotations"]["gpus"], alert["annotations"]["summary"]) == ("0, 1", "GPU 0, 1 at 91, 88")
    Alertmanager().stop(replace(change, edge="stop", timestamp=time.time()))
    assert alerts(server, "hot") == []


def test_each_gpu_is_an_alert_of_its_own_where_it_is_grouped_so(server: RealAlertmanager):
    for device in (0, "1:0"):
        Alertmanager().start(_of_gpu(server, device))
    assert sorted(alert["labels"]["gpu"] for alert in alerts(server, "each")) == ["0", "1:0"]
    Alertmanager().stop(replace(_of_gpu(server, 0), edge="stop"))
    assert [alert["labels"]["gpu"] for alert in alerts(server, "each")] == ["1:0"]


def _of_gpu(server: RealAlertmanager, device: Any) -> Event:
    return replace(event(server, "each"), device=device, devices=(device,))


def test_an_alert_that_is_not_repeated_resolves_by_itself(server: RealAlertmanager):
    made = event(server, "dead_agent", parameters={"resolve_after": 60})
    Alertmanager(clock=lambda: made.timestamp).start(made)
    (alert,) = alerts(server, "dead_agent")
    ends = seconds(alert["endsAt"])
    assert ends == pytest.approx(made.timestamp + 60, abs=0.01)
    past = replace(made, rule="long_dead", timestamp=made.timestamp - 300, started=made.timestamp - 300)
    Alertmanager(clock=lambda: made.timestamp - 300).start(past)
    assert alerts(server, "long_dead") == [], "it was not repeated in time"


def test_an_alert_that_is_delivered_late_is_still_firing(server: RealAlertmanager):
    made = event(server, "late")
    Alertmanager().start(replace(made, timestamp=made.timestamp - 3000, started=made.timestamp - 3000))
    (alert,) = alerts(server, "late")
    assert seconds(alert["startsAt"]) == pytest.approx(made.timestamp - 3000, abs=0.01)


def test_an_alert_that_ends_in_the_snapshot_in_which_it_began_is_accepted(server: RealAlertmanager):
    made = event(server, "short")
    Alertmanager().start(made)
    Alertmanager().stop(replace(made, edge="stop"))
    assert alerts(server, "short") == []


@pytest.mark.parametrize("ahead", [0.4, 2.0, 90.0])
def test_an_alert_of_a_node_whose_clock_is_ahead_resolves_at_once(server: RealAlertmanager, ahead: float):
    made = event(server, f"ahead_{ahead:.0f}")
    made = replace(made, timestamp=made.timestamp + ahead, started=made.timestamp + ahead)
    Alertmanager().start(made)
    assert len(alerts(server, made.rule)) == 1
    Alertmanager().stop(replace(made, edge="stop", timestamp=made.timestamp + 5))
    assert alerts(server, made.rule) == []


@pytest.mark.parametrize("text", ["", "ü\n\"'<>", "x" * 5000, "{{ $labels }}"])
def test_texts_of_any_kind_are_accepted(server: RealAlertmanager, text: str):
    made = event(server, "texts", annotations={"note": text}, parameters={"summary": text.replace("{", "{{")})
    Alertmanager().start(made)
    assert len(alerts(server, "texts")) == 1


def test_the_name_of_an_imported_alert_is_the_one_it_had(server: RealAlertmanager):
    Alertmanager().start(event(server, "gpu_too_hot", annotations={"alertname": "GPUTooHot"}))
    assert len(alerts(server, "GPUTooHot")) == 1
