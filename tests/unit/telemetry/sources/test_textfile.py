"""Files of metrics: what is stale, cut short or wrong gives nothing, and the others go on."""

import os

import pytest

from gpurules.fields import Scope, declared_field
from gpurules.fields.feeds import Feed, parse_selector
from gpurules.fields.field import with_feed
from gpurules.telemetry import TelemetryError, open_source
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.sources.textfile import MAX_FILE, TextfileReader

NOW = 1_000_000.0
FIELDS = tuple(
    with_feed(declared_field(name, "number", scope=Scope.NODE), Feed(parse_selector(name))) for name in ("good", "bad")
)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "good.prom", "# HELP good It is.\n# TYPE good gauge\ngood 5\n")
    return tmp_path


def write(path, content, age=0.0):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (NOW - age, NOW - age))


def read(folder):
    return TextfileReader(folder, clock=lambda: NOW).read(PollRequest(feeds=FIELDS))


def test_the_files_of_a_directory_feed_the_node(folder):
    write(folder / "bad.prom", "bad 7\n")
    assert read(folder).labels == {"good": 5, "bad": 7}


@pytest.mark.parametrize(
    ("content", "age", "why"),
    [
        ("bad 7", 0, "cut short"), ("bad 7\nbad{", 0, "cut short"), ("bad 7\nbad{\n", 0, "not a sample"),
        ("bad 7\n", 901, "stale"), (b"bad 7\n\xff\n", 0, "not UTF-8"), ("bad 7\n" + "#" * MAX_FILE + "\n", 0, "larger"),
        ("bad 7\nbad 7\n", 0, "given twice"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_gives_nothing_and_the_others_go_on(folder, content, age, why):
    write(folder / "bad.prom", content, age)
    snapshot = read(folder)
    assert snapshot.labels == {"good": 5}
    assert any("bad" in problem and why in problem for problem in snapshot.problems)


def test_a_series_in_two_files_is_given_twice(folder):
    write(folder / "one.prom", "bad 7\n")
    write(folder / "two.prom", "bad 7\n")
    assert read(folder).labels == {"good": 5}


def test_what_is_not_a_regular_file_is_not_opened(folder):
    os.mkfifo(folder / "bad.prom")
    (folder / "dir.prom").mkdir()
    (folder / "gone.prom").symlink_to(folder / "nowhere")
    (folder / "bad.prom.tmp").write_text("bad 7\n")
    snapshot = read(folder)
    assert snapshot.labels == {"good": 5}
    assert sum("cannot be read" in problem for problem in snapshot.problems) >= 3


def test_a_directory_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(TelemetryError, match="nowhere cannot be read"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("spec", "why"),
    [("textfile:", "needs a directory"), ("textfile:/x,stale=0", "stale"), ("textfile:/x,old=3", "no option")],
)
def test_options_that_do_not_fit_are_refused(spec, why):
    with pytest.raises(TelemetryError, match=why):
        open_source(spec)


def test_a_directory_that_feeds_no_fact_is_not_read(folder):
    source = open_source(f"textfile:{folder}")
    try:
        assert source.read().labels == {}
    finally:
        source.close()
