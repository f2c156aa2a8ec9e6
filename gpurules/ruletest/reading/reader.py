"""Test files to cases: whatever is wrong is found at once, at its place."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gpurules.diagnostics import Diagnostic, Location, diagnostic_at
from gpurules.facts import TimeError, read_time
from gpurules.rules.files import TESTS, foreign_document, foreign_text
from gpurules.rules.yaml import (
    YamlDocument,
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    read_yaml,
)
from gpurules.ruletest.case import (
    OUTCOMES,
    REASONS,
    Case,
    Data,
    Expectation,
    Property,
    ReplayCase,
    SeriesSample,
    TestFile,
    Typed,
)
from gpurules.ruletest.facts import FactsError, merge_facts, set_path
from gpurules.ruletest.reading import validation
from gpurules.ruletest.reading.node_values import ValueReader, plain
from gpurules.ruletest.reading.schema import structure
from gpurules.ruletest.series import SeriesError, samples

_SCHEMA = structure()["properties"]
_FILE = tuple(_SCHEMA)
_CASE = tuple(_SCHEMA["cases"]["items"]["properties"])
_EXPECT = tuple(_SCHEMA["cases"]["items"]["properties"]["expect"]["oneOf"][0]["properties"])
_REQUIRE = tuple(_SCHEMA["require"]["properties"])
_PATTERN = tuple(_SCHEMA["properties"]["items"]["properties"]["never"]["properties"])


@dataclass(slots=True)
class _Reader(ValueReader):
    """Reads one file."""

    defaults: Data = field(default_factory=dict)
    interval: float = 5.0
    names: dict[str, YamlScalar] = field(default_factory=dict)

    def facts(self, node: YamlNode | None) -> Data:
        return {
            kind: plain(value) for kind, value in self.keys(node, ("snapshot", "transfer", "workload", "node")).items()
        }

    def name(self, node: YamlMapping) -> str:
        value = node.get("name")
        if not isinstance(value, YamlScalar):
            self.complain(node, "GPR402", "the key 'name' is missing")
            return ""
        first = self.names.setdefault(value.text, value)
        if first is not value:
            self.complain(value, "GPR807", f"two tests are named {value.text[:100]!r}", "rename one of them")
        return value.text

    def expectation(self, node: YamlNode) -> Expectation:
        values = self.keys(node, _EXPECT)
        self.problems += validation.in_expectation(node, values)
        given = values.get("decision")
        decision = plain(given) if isinstance(given, YamlMapping) else None
        return Expectation(
            node.location(),
            self.seconds(values["at"], 0.0) if "at" in values else None,
            self.rule(values["rule"]) if "rule" in values else None,
            self.one_of(values.get("outcome"), OUTCOMES),
            self.one_of(values.get("because"), REASONS),
            self.texts(values["devices"]) if "devices" in values else None,
            decision if isinstance(decision, dict) else None,
            self.rule_names(values["matched"]) if "matched" in values else None,
            dict(_written(values, "")),
        )

    def cases(self, node: YamlNode) -> Iterator[Case]:
        values = self.keys(node, _CASE)
        if not isinstance(node, YamlMapping):
            return
        self.problems += validation.in_case(node, values)
        name, place = self.name(node), node.location()
        given = merge_facts(self.defaults, self.facts(values.get("given")))
        self.set_time(given, values.get("at"), values.get("given"))
        interval = self.step(values.get("interval"), self.interval)
        typed: tuple[Typed, ...] = (Typed(values["given"]),) if "given" in values else ()
        if "table" in values:
            yield from self.rows(name, values.get("rule"), (given, typed), values["table"])
            return
        listed = values.get("expect")
        expected = [listed] if isinstance(listed, YamlMapping) else self.items(listed)
        expectations = tuple(self.expectation(item) for item in expected)
        listed_series = list(self.series(values.get("series")))
        series = {path: found for path, found, _ in listed_series}
        typed += tuple(Typed(value, path, tuple(s.text for s in found)) for path, found, value in listed_series)
        yield Case(name, place, given, expectations, series, interval, typed)

    def set_time(self, given: Data, at: YamlNode | None, beside: YamlNode | None) -> None:
        """Let the facts of a case be of the time *at*, a date with a time of day and a zone."""
        if at is None:
            return
        snapshot = beside.get("snapshot") if isinstance(beside, YamlMapping) else None
        if isinstance(snapshot, YamlMapping) and "timestamp" in snapshot.values:
            self.complain(at, "GPR403", "the case has both 'at' and a timestamp", "keep one of them")
        try:
            timestamp = read_time(self.text(at))
        except TimeError as error:
            self.complain(at, "GPR403", str(error), error.hint)
        else:
            set_path(given, "snapshot.timestamp", repr(timestamp))

    def series(self, node: YamlNode | None) -> Iterator[tuple[str, tuple[SeriesSample, ...], YamlNode]]:
        for path, value in node.values.items() if isinstance(node, YamlMapping) else ():
            try:
                set_path({}, path, None)
                if path == "snapshot.timestamp":
                    raise FactsError("the times of a series follow from its interval; set its start with at: …")
                yield path, samples(self.text(value)), value
            except (SeriesError, FactsError) as error:
                self.complain(value, "GPR403", str(error))

    def rows(
        self, name: str, rule: YamlNode | None, facts_of_case: tuple[Data, tuple[Typed, ...]], node: YamlNode
    ) -> Iterator[Case]:
        (given, typed), values = facts_of_case, self.keys(node, ("columns", "rows"))
        columns = tuple(c.replace("⟦", "[").replace("⟧", "]") for c in self.texts(values.get("columns")))
        self.problems += validation.in_table(node, values, columns, rule is not None)
        named = self.rule(rule)
        for number, row in enumerate(self.items(values.get("rows")), 1):
            cells = self.texts(row)
            if len(cells) != len(columns):
                self.complain(row, "GPR403", f"the row has {len(cells)} values, but there are {len(columns)} columns")
                continue
            facts, own = merge_facts(given, {}), list(typed if number == 1 else ())
            expected: dict[str, str] = {"rule": named}
            for column, cell, place in zip(columns, cells, self.items(row), strict=True):
                if column == "at":
                    self.set_time(facts, place, None)
                    continue
                if column in _EXPECT:
                    expected[column] = cell
                    if column == "rule":
                        self.rule(place)
                    continue
                try:
                    set_path(facts, column, None if cell == "_" else cell)
                    own.append(Typed(place, column, (cell,)))
                except FactsError as error:
                    self.complain(row, "GPR403", str(error))
            devices = tuple(expected["devices"].split()) if "devices" in expected else None
            written = dict(_written(dict(zip(columns, self.items(row), strict=False)), ""))
            expectation = Expectation(
                row.location(),
                None,
                expected["rule"],
                expected.get("outcome"),
                expected.get("because"),
                devices,
                written=written,
            )
            yield Case(f"{name} [row {number}]", row.location(), facts, (expectation,), typed=tuple(own))

    def property(self, node: YamlNode) -> Property | None:
        values = self.keys(node, ("name", "never", "always"))
        if not isinstance(node, YamlMapping):
            return None
        self.problems += validation.in_property(node, values)
        never = "never" in values
        pattern = self.keys(values.get("never") or values.get("always"), _PATTERN)
        return Property(
            self.name(node),
            node.location(),
            never,
            self.text(pattern["if"]) if "if" in pattern else None,
            *(self.rule_names(pattern.get(key)) for key in ("all_match", "some_match", "none_match")),
        )

    def replay(self, node: YamlNode) -> ReplayCase | None:
        values = self.keys(node, ("name", "history", "expect"))
        if not isinstance(node, YamlMapping):
            return None
        expect = self.keys(values.get("expect"), ("rule", "matches_between", "max_flaps_per_hour"))
        self.problems += validation.missing(node, values, "history", "expect")
        if "expect" in values:
            self.problems += validation.missing(values["expect"], expect, "rule")
        between = expect.get("matches_between")
        bounds = [self.number(item) for item in self.items(between)]
        if between is not None and (len(bounds) != 2 or bounds[0] > bounds[1]):
            self.complain(between, "GPR403", "expected [minimum, maximum]", "matches_between: [1, 3]")
        flaps = expect.get("max_flaps_per_hour")
        return ReplayCase(
            self.name(node),
            node.location(),
            self.text(values.get("history")),
            self.rule(expect.get("rule")),
            (bounds[0], bounds[1]) if len(bounds) == 2 else None,
            None if flaps is None else self.number(flaps),
        )


def _written(values: Mapping[str, YamlNode], above: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield where values stand that can be rewritten: texts, and lists in brackets."""
    for key, node in values.items():
        match node:
            case YamlScalar():
                is_whole = node.style not in ("|", ">")
            case YamlSequence():
                is_whole = node.source.text[node.end - 1 : node.end] == "]"
            case YamlMapping():
                is_whole = False
                if key == "decision":
                    yield from _written(node.values, "decision.")
        if is_whole:
            yield above + key, (node.start, node.end)


_COLUMNS = re.compile(r"(?m)^[ \t-]*columns:[ \t]*\[[^\r\n]*")
_GPU = re.compile(r"\b(gpus?)\[([\w:]+)\](?=\.\w)")


def _readable(data: bytes | str) -> bytes | str:
    """Return *data* with the brackets of ``gpu[0].memory`` in a list of columns as ``⟦0⟧``: YAML would end it there."""
    if isinstance(data, bytes):
        try:
            data = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data
    return _COLUMNS.sub(lambda line: _GPU.sub(r"\1⟦\2⟧", line[0]), data)


def _foreign(read: YamlDocument) -> Diagnostic | None:
    """Return the one finding for a file that is not a rule test at all."""
    if read.root is not None:
        return foreign_document(read.root, TESTS)
    if not read.problems:
        return diagnostic_at(
            "GPR405", "the file is empty", read.source.path, Location(1, 1, 1, 1), "kind: gpurules/test"
        )
    return foreign_text(read.source.text, read.source.path, TESTS) if read.problems[0].code == "GPR001" else None


def read_tests(data: bytes | str, path: str) -> tuple[TestFile | None, tuple[Diagnostic, ...]]:
    """Return the tests of a file, None where it has errors, and everything that is wrong about it."""
    read = read_yaml(_readable(data), path)
    reader = _Reader(path, list(read.problems))
    root = read.root
    foreign = _foreign(read)
    if foreign is not None:
        return None, (foreign,)
    if not isinstance(root, YamlMapping):
        return None, tuple(reader.problems)
    values = reader.keys(root, _FILE)
    if reader.text(values.get("kind")) != "gpurules/test":
        reader.complain(values.get("kind") or root, "GPR405", "the file is not a rule test", "kind: gpurules/test")
    if "rulesets" not in values:
        reader.complain(root, "GPR402", "the key 'rulesets' is missing", "rulesets: [../rules/node.rules.yaml]")
    reader.defaults = reader.facts(values.get("defaults"))
    reader.interval = reader.step(values.get("interval"), 5.0)

    def each(key: str, make: Callable[[YamlNode], object]) -> Iterator[object]:
        return (made for item in reader.items(values.get(key)) if (made := make(item)) is not None)

    cases = tuple(case for item in reader.items(values.get("cases")) for case in reader.cases(item))
    properties = tuple(p for p in each("properties", reader.property) if isinstance(p, Property))
    replay = tuple(r for r in each("replay", reader.replay) if isinstance(r, ReplayCase))
    require = {key: reader.percent(value) for key, value in reader.keys(values.get("require"), _REQUIRE).items()}
    problems = tuple(sorted(reader.problems, key=lambda d: d.place))
    if problems:
        return None, problems
    rulesets = reader.texts(values.get("rulesets"))
    defaults = (Typed(values["defaults"]),) if "defaults" in values else ()
    return TestFile(path, rulesets, cases, properties, replay, require, tuple(reader.rules), defaults), ()
