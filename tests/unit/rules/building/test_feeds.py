"""Where a declared field is fed from: what is wrong with it is reported at its place, with what to write."""

import pytest

from gpurules.fields.feeds import SeriesAggregate
from gpurules.linter import lint
from gpurules.rules import loads

HEAD = "version: 1\nname: fed\nfields:\n  x: {{type: {kind}, scope: {scope}, from: {source}}}\nrules: []\n"


def findings(tmp_path, source, kind="number", scope="node"):
    path = tmp_path / "fed.rules.yaml"
    path.write_text(HEAD.format(kind=kind, scope=scope, source=source))
    return [(d.line, d.message, d.hint or "") for d in lint(path) if d.severity == "error"]


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("{prometheus: 'rate(x[5m])'}", "an expression"), ("{prometheus: 'x{a=~\"(\"}'}", "RE2 cannot read"),
        ("{prometheus: x, aggregate: mean}", "not one of max, min, sum, avg, count"),
        ("{prometheus: x, factor: 0}", "leaves no value"), ("{prometheus: x, factor: .nan}", "not a finite number"),
        ("{prometheus: x, factor: many}", "number"), ("{}", "'prometheus' is missing"), ("node_load1", "a mapping"),
        ("{prometheus: x, max: 3}", "unknown key 'max'"), ("{prometheus: ''}", ""),
    ],
)  # fmt: skip
def test_a_feed_that_is_wrong_is_one_finding_at_its_place(tmp_path, source, part):
    found = findings(tmp_path, source)
    assert len(found) == 1
    assert found[0][0] == 4
    assert part in found[0][1]


@pytest.mark.parametrize(
    ("kind", "scope", "part"), [("string", "node", "not strings"), ("number", "transfer", "of GPUs and")]
)
def test_a_feed_of_what_has_no_series_is_refused(tmp_path, kind, scope, part):
    ((_, message, hint),) = findings(tmp_path, "{prometheus: x}", kind, scope)
    assert part in message
    assert hint.startswith("write ")


def test_a_feed_is_what_the_file_says():
    ruleset = loads(
        HEAD.format(kind="number", scope="gpu", source="{prometheus: 'm{a=\"b\"}', aggregate: max, factor: 0.001}")
    )
    feed = ruleset.fields["x"].feed
    assert (feed.selector.metric, feed.aggregate, feed.factor) == ("m", SeriesAggregate.MAX, 0.001)
