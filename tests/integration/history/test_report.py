"""The report of a back-test: one page that asks for nothing else, and says what the numbers say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gpurules.history.backtest.local import in_processes
from gpurules.history.backtest.result import BacktestResult
from gpurules.history.backtest.run import Backtest, run
from gpurules.history.report.page import page
from gpurules.history.store.simulated import Month, write_month
from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.rules import load
from tests.factories import gpu, ruleset, snapshot


class Links(HTMLParser):
    """Collects what a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.asked += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]


def result_of(place: Path, *rulesets: object) -> BacktestResult:
    return run(Backtest(rulesets, [str(place)], with_report=True), in_processes(1))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("month")
    list(write_month(Storage(place), Month(nodes=1, gpus=8, days=30, interval=120.0)))
    return page(result_of(place, load("gpurules:coordinator")), [str(place)])


@pytest.mark.slow
def test_the_report_asks_for_nothing_and_is_small(report: str) -> None:
    links = Links()
    links.feed(report)
    assert all(one.startswith("data:") for one in links.asked)
    assert "script" not in links.tags and "url(http" not in report and "@import" not in report
    assert len(report.encode()) < 2_000_000


@pytest.mark.slow
def test_the_report_has_every_part(report: str) -> None:
    for part in ("memory_pressure", "Time on", "By hour and weekday", "gpu_temperature", "Method and data"):
        assert part in report
    assert report.count('class="chart"') > 8
    assert "@media print" in report and "width=device-width" in report


def test_names_from_outside_are_text_in_a_report(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "<script>alert(1)</script>") as writer:
        for n in range(5):
            writer.add(snapshot(gpu(uuid="GPU-<b>x", temperature=90), at=10.0 * n))
    rules = ruleset("- {name: '<i>hot</i>', condition: gpu_temperature > 80, action: pause_transfer}")
    text = page(result_of(tmp_path, rules), ["<u>place"])
    assert "1 node, 1 GPU, 5 snapshots, 5 GPU samples<br>" in text
    links = Links()
    links.feed(text)
    assert not links.tags & {"script", "b", "i", "u"}


def test_a_report_on_nothing_that_was_ever_on_says_so(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        writer.add(snapshot(gpu(temperature=20)))
    rules = ruleset("- {name: hot, condition: gpu_temperature > 80, action: pause_transfer}")
    assert "Nothing was ever on" in page(result_of(tmp_path, rules), [str(tmp_path)])


def test_numbers_of_a_report_are_those_of_the_back_test(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n in range(8):
            writer.add(snapshot(gpu(temperature=90 if n < 2 else 20), at=10.0 * n))
    rules = ruleset("- {name: hot, condition: gpu_temperature > 80, action: pause_transfer}")
    text = page(result_of(tmp_path, rules), [str(tmp_path)])
    (row,) = re.findall(r"<tr><td>hot</td>.*?</tr>", text)
    assert re.findall(r"<td>(.*?)</td>", row)[1:4] == ["25.00 %", "1", "20 s"]
