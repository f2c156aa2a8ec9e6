"""Declared fields that series fill: whose they are, how several become one, and why there is none."""

import pytest

from gpurules.fields import Scope, declared_field
from gpurules.fields.feeds import Feed, SeriesAggregate, parse_selector
from gpurules.fields.field import with_feed
from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.prometheus.feeds import Page, UnusablePart, fill_fields
from gpurules.telemetry.formats.prometheus.samples import parse_sample

GPUS = (GPU(index=0, uuid="GPU-a"), GPU(index=1, uuid="GPU-b"))
NOW = 10_000.0


def field(selector="m", scope="node", aggregate=None, factor=1.0, kind="number"):
    feed = Feed(parse_selector(selector), aggregate and SeriesAggregate(aggregate), factor)
    return with_feed(declared_field("x", kind, scope=Scope(scope)), feed)


def filled(text, *fields, unusable=(), gpus=GPUS):
    samples = [sample for line in text.splitlines() if (sample := parse_sample(line)) is not None]
    page = Page("page", samples, unusable)
    return fill_fields(Snapshot(timestamp=NOW, gpus=gpus), [page], fields or (field(),))


def node(text, *fields, **more):
    return filled(text, *fields, **more).labels.get("x")


@pytest.mark.parametrize(
    "labels",
    [
        'UUID="GPU-b"', 'uuid="GPU-b"', 'uuid="b"', 'UUID="GPU-b",gpu="0"', 'gpu="1"', 'gpu_index="1"', 'index="1"',
        'minor_number="1"', 'gpu_id="1"', 'gpu="NVIDIA H100",index="1"', 'UUID="",gpu="1"',
    ],
)  # fmt: skip
def test_a_series_belongs_to_the_gpu_that_its_labels_name(labels):
    snapshot = filled(f"m{{{labels}}} 7", field(scope="gpu"))
    assert [gpu.labels.get("x") for gpu in snapshot.gpus] == [None, 7]
    assert snapshot.gpus[0].missing["x"] == "the series of m belong to other GPUs"
    assert "x" not in filled(f"m{{{labels}}} 7").labels, "and so it is not the node's"


@pytest.mark.parametrize("labels", ['UUID="GPU-z"', 'gpu="9"', 'UUID="GPU-a",GPU_I_ID="1"'])
def test_a_series_of_a_gpu_that_is_not_here_or_of_an_instance_is_of_nothing(labels):
    snapshot = filled(f"m{{{labels}}} 7", field(scope="gpu"))
    assert [gpu.missing["x"] for gpu in snapshot.gpus] == ["no series matches"] * 2
    assert node(f"m{{{labels}}} 7") is None


def test_a_series_without_a_gpu_is_the_nodes():
    assert node('m{job="a"} 2.5') == 2.5
    snapshot = filled('m{job="a"} 2.5', field(scope="gpu"))
    assert [gpu.missing["x"] for gpu in snapshot.gpus] == ["the series of m belong to the node"] * 2
    assert snapshot.labels == {}


@pytest.mark.parametrize(("aggregate", "value"), [("max", 5), ("min", 1), ("sum", 9), ("avg", 3), ("count", 3)])
def test_several_series_are_reduced(aggregate, value):
    assert node('m{a="1"} 1\nm{a="2"} 3\nm{a="3"} 5', field(aggregate=aggregate)) == value


def test_several_series_without_an_aggregate_are_missing_and_the_problem_says_why():
    snapshot = filled('m{a="1"} 1\nm{a="2"} 1')
    assert "x" not in snapshot.labels
    assert snapshot.problems == ("x is missing: 2 series of m match; reduce them with aggregate, or select one",)


@pytest.mark.parametrize(
    ("aggregate", "value"), [("max", 3), ("min", 3), ("sum", None), ("avg", None), ("count", 2), (None, None)]
)
def test_a_series_that_is_not_a_number_makes_a_sum_missing_and_not_smaller(aggregate, value):
    assert node('m{a="1"} 3\nm{a="2"} NaN', field(aggregate=aggregate)) == value


@pytest.mark.parametrize("aggregate", [None, "sum", "max"])
@pytest.mark.parametrize("second", ["3", "4"])
def test_a_series_that_is_given_twice_gives_none(aggregate, second):
    snapshot = filled(f'm{{a="1"}} 3\nm{{a="1"}} {second}', field(aggregate=aggregate))
    assert snapshot.problems == ("x is missing: a series of m is given twice",)


def test_no_series_is_missing_and_never_zero():
    for aggregate in (None, "sum", "count"):
        snapshot = filled("other 1", field(aggregate=aggregate))
        assert (snapshot.labels, snapshot.problems) == ({}, ("x is missing: no series matches",))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [('m{a="1"}', 1), ('m{a!="1"}', None), ('m{a=~"1|3"}', 1), ('m{a=~"."}', 1), ('m{a=""}', 2), ('m{a!~".+"}', 2),
     ('m{a=~"1.*",b="y"}', None)],
)  # fmt: skip
def test_labels_are_compared_as_prometheus_does(selector, expected):
    assert node('m{a="1",b="x"} 1\nm{b="x"} 2\nm{a="10",b="z",c="x"} 3', field(selector)) == expected


def test_a_pattern_covers_the_whole_label():
    assert node('m{a="10"} 3', field('m{a=~"1"}')) is None


@pytest.mark.parametrize(("factor", "value"), [(0.001, 0.25), (1024, 256_000), (-1, -250)])
def test_a_factor_scales(factor, value):
    assert node("m 250", field(factor=factor)) == pytest.approx(value)


def test_a_value_that_the_factor_takes_out_of_bounds_is_missing():
    assert node("m 1e300", field(factor=1e300)) is None


@pytest.mark.parametrize(("value", "expected"), [("0", False), ("1", True), ("-2", True), ("NaN", None)])
def test_a_bool_is_whether_the_value_is_not_zero(value, expected):
    assert node(f"m {value}", field(kind="bool")) is expected


def test_a_sample_whose_time_is_long_past_is_stale():
    assert node("m 3 9800.0") == 3
    assert node("m 3 9600.0") is None


@pytest.mark.parametrize(("aggregate", "value"), [("sum", None), ("max", None), ("count", None), (None, 3)])
def test_of_a_page_with_a_lost_part_nothing_is_reduced(aggregate, value):
    lost = (UnusablePart("b.prom: cut short", frozenset({"m"})),)
    assert node("m 3", field(aggregate=aggregate), unusable=lost) == value
    other = (UnusablePart("b.prom: cut short", frozenset({"other"})),)
    assert node("m 3", field(aggregate=aggregate), unusable=other) == (1 if aggregate == "count" else 3)


def test_what_is_there_already_stays():
    gpus = (GPU(index=0, uuid="GPU-a", labels={"x": 1}),)
    assert filled('m{gpu="0"} 7', field(scope="gpu"), gpus=gpus).gpus[0].labels["x"] == 1


def test_the_first_page_that_has_a_series_fills():
    pages = [Page.without_samples("a", "a is down"), Page("b", [parse_sample("m 3")]), Page("c", [parse_sample("m 4")])]
    snapshot = fill_fields(Snapshot(timestamp=NOW), pages, [field()])
    assert snapshot.labels == {"x": 3}
