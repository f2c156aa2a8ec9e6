"""Several sources as one: pages that hang, lie or redirect make fields missing, and the first source goes on."""

import time

import pytest

from gpurules import Coordinator, loads
from gpurules.fields import Scope, declared_field
from gpurules.fields.feeds import Feed, parse_selector
from gpurules.fields.field import with_feed
from gpurules.model import GPU, Snapshot
from gpurules.telemetry import TelemetryError, open_source
from gpurules.telemetry.live import scraper
from gpurules.telemetry.source import join_specs, split_spec
from gpurules.telemetry.sources import joined, scrape
from gpurules.telemetry.sources.joined import Joined
from tests.integration.telemetry.test_scrape import exporter

LOAD = with_feed(declared_field("load", "number", scope=Scope.NODE), Feed(parse_selector("node_load1")))
FAILED = with_feed(declared_field("failed", "bool", scope=Scope.GPU), Feed(parse_selector("row_failed")))


class First:
    name = "first"

    def __init__(self):
        self.is_closed = False

    def read(self):
        return Snapshot(timestamp=time.time(), gpus=(GPU(index=0, uuid="GPU-a", power=300),))

    def close(self):
        self.is_closed = True


def read(address, fields=(LOAD, FAILED), times=1, timeout=3.0):
    source = Joined(First(), {"scrape:page": scrape.scrape_reader(address, timeout)})
    source.feed(fields)
    snapshots = [source.read() for _ in range(times)]
    source.close()
    return snapshots[-1]


def test_a_page_feeds_the_node_and_the_gpus():
    with exporter('node_load1 3\nrow_failed{gpu="0"} 1\nother 5\n') as address:
        snapshot = read(address)
    assert (snapshot.labels["load"], snapshot.gpus[0].labels["failed"], snapshot.gpus[0].power) == (3, True, 300)
    assert snapshot.problems == ()


def why(snapshot):
    """Return why both fields are missing, and make sure that the first source went on."""
    assert (snapshot.labels, snapshot.gpus[0].labels, snapshot.gpus[0].power) == ({}, {}, 300)
    return snapshot.gpus[0].missing["failed"]


def test_a_page_that_hangs_delays_one_reading_and_no_other(monkeypatch):
    monkeypatch.setattr(joined, "PATIENCE", 0.2)
    with exporter("node_load1 3\n", seconds=30) as address:
        source = Joined(First(), {"page": scrape.scrape_reader(address, 1.0)})
        source.feed((LOAD, FAILED))
        begun = time.monotonic()
        for _ in range(5):
            assert "has not answered in time" in why(source.read())
        assert time.monotonic() - begun < 0.9
        source.close()


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500])
def test_a_redirect_is_not_followed_and_an_error_is_named(status):
    with exporter("node_load1 3\n", status=status) as address:
        assert f"answers {status}" in why(read(address))


def test_a_page_without_end_is_not_read_to_it(monkeypatch):
    monkeypatch.setattr(scraper, "MAX_SCRAPE", 1 << 20)
    with exporter("node_load1 3\n" + "#" * (8 << 20)) as address:
        assert "more than 1 MiB" in why(read(address))


def test_a_page_of_100_mb_is_given_up_at_the_limit_and_the_first_source_goes_on():
    with exporter("node_load1 3\n" + "#" * (100 << 20)) as address:
        assert "more than 32 MiB" in why(read(address, timeout=20.0))


@pytest.mark.parametrize("body", ["<html>\n<body>\n</html>\n", "{}\n", "\0\0\n"])
def test_a_page_of_something_else_is_not_one_without_series(body):
    with exporter(body) as address:
        assert "not a page of metrics" in why(read(address))


def test_an_address_where_nothing_listens_is_named():
    assert "cannot be reached" in why(read("127.0.0.1:1"))


def test_sources_are_ordered_so_that_one_that_lists_gpus_is_first():
    spec = join_specs(["scrape:http://a:1/m", "textfile:/a+b", "nvml:timeout=2"])
    assert split_spec(spec) == ["nvml:timeout=2", "scrape:http://a:1/m", "textfile:/a+b"]
    assert split_spec("replay:my + notes.jsonl") == ["replay:my + notes.jsonl"]


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("nvml + dcgm", "both list GPUs"), ("synthetic:gpus=2 + textfile:/x", "cannot be joined"),
        ("nvml + scrape:", "needs the address"), ("nvml + textfile:", "needs a directory"),
        ("nvml + scrape:ftp://x", "is not the address"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused(spec, part):
    with pytest.raises(TelemetryError, match=part):
        open_source(spec)


RULES = """
version: 1
name: fed
fields:
  load: {type: number, scope: node, from: {prometheus: node_load1, factor: 2}}
rules:
  - {name: busy, condition: load > 5, action: pause_transfer}
"""


def test_rules_of_a_coordinator_match_on_what_a_page_says():
    with exporter("node_load1 3\n") as address:
        source = Joined(First(), {"page": scrape.scrape_reader(address)})
        coordinator = Coordinator(loads(RULES), source)
        coordinator.poll()
        assert coordinator.decide().rules == ("busy",)
        coordinator.stop()


def test_a_page_alone_feeds_the_node_without_any_gpu():
    with exporter("node_load1 3\n") as address:
        source = open_source(f"scrape:http://{address}/metrics")
        source.feed((LOAD,))
        assert source.read().labels == {"load": 3}
        source.close()


def test_an_exporter_of_gpus_feeds_declared_fields_beside_its_own():
    page = 'DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a"} 64\nrow_failed{gpu="0",UUID="GPU-a"} 1\nnode_load1 3\n'
    with exporter(page) as address:
        source = open_source(f"scrape:http://{address}/metrics")
        source.feed((LOAD, FAILED))
        snapshot = source.read()
        source.close()
    assert (snapshot.gpus[0].temperature, snapshot.gpus[0].labels["failed"], snapshot.labels["load"]) == (64, True, 3)
