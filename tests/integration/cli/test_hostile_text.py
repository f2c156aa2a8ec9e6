"""Whatever text comes from outside, what every command writes has no line of another's making and commands nothing."""

import io
import json
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from gpurules.cli.main import COMMANDS, cli, run
from gpurules.language.terms.printer import quote
from tests.cases import representative

MARK = "FORGED"
FAMILIES = {
    "line feed": f"\n{MARK}",
    "carriage return": f"\r{MARK}",
    "both": f"\r\n{MARK}",
    "color": f"\x1b[8m{MARK}",
    "clear": f"\x1b[2J{MARK}",
    "title": f"\x1b]0;{MARK}\x07",
    "C1": f"\x9b2J{MARK}",
    "next line": f"\x85{MARK}",
    "override": f"\u202e{MARK}",
    "isolate": f"\u2066{MARK}",
    "separator": f"\u2028{MARK}",
    "nul": f"\x00{MARK}",
    "delete": f"\x7f{MARK}",
    "lone surrogate": f"\ud800{MARK}",
    "no UTF-8": f"\udcff{MARK}",
    "long": "語" * 1_000 + MARK,
}
QUICK = ("both", "color", "C1", "override", "lone surrogate", "long")
"""The families that are tried in every run: line ends, control sequences, bidi marks, bad text and long text."""
ERASE = "\r\x1b[K"
"""Where the line that shows how far long work is, is put in place of the last."""
COLOR = re.compile(r"\x1b\[[0-9;]*m")
CONCEALING = re.compile(r"\x1b\[(?:\d+;)*8(?:;\d+)*m")
OPTIONS_OF_FORM = ("--format", "--output-format", "--kind")
SPEAKS_JSON_TO_EDITORS = {"lsp"}
"""Commands that no terminal shows: what they write is the protocol."""


@dataclass(frozen=True)
class Run:
    """One call of the program: its arguments, what is on stdin, and whether all of stdout is JSON, or each line."""

    arguments: tuple[object, ...]
    stdin: bytes = b""
    is_data: bool = False

    @property
    def form(self) -> str | None:
        given = [str(argument) for argument in self.arguments]
        return next((given[n + 1] for n, word in enumerate(given) if word in OPTIONS_OF_FORM), None)


@dataclass
class Place:
    """A folder with hostile text in everything that can hold it."""

    folder: Path
    text: str
    made: dict[str, Path] = field(default_factory=dict)

    def write(self, name: str, content: object) -> Path:
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8", errors="replace")
        return path

    @property
    def path_text(self) -> str:
        """The text as far as a file name can have it."""
        short = self.text[:20] + MARK if len(self.text) > 100 else self.text
        try:
            os.fsencode(short.replace("\0", ""))
        except UnicodeEncodeError:
            return MARK
        return short.replace("\0", "")

    @property
    def yaml_text(self) -> str:
        """The text as far as YAML can have it."""
        return "".join("?" if "\ud800" <= character <= "\udfff" else character for character in self.text)

    def ruleset(self) -> Path:
        """A ruleset that loads, with the text in its descriptions, messages and strings."""
        t = self.yaml_text
        rules = [
            {
                "name": "first", "description": t, "tags": [t], "annotations": {"runbook": t},
                "condition": f"path CONTAINS {quote(t)} OR gpu_name == {quote(t)} OR gpu_memory > 10",
                "actions": [{"action": "log", "parameters": {"message": f"{t} {{gpu_name}} {{path}}"}},
                            {"action": "stage_transfer", "parameters": {"staging_area": f"/{t}"}}],
            },
            {"name": "second", "condition": f"transfer_id == {quote(t)} AND gpu_temperature > 30", "description": t,
             "action": "delay_transfer", "parameters": {"delay": "5s"}},
        ]  # fmt: skip
        signals = {"warm": {"condition": f"gpu_temperature > 20 OR gpu_name == {quote(t)}", "description": t}}
        return self.write(
            f"good{self.path_text}.rules.yaml",
            {"version": 1, "name": "x", "description": t, "signals": signals, "rules": rules},
        )

    def broken(self) -> Path:
        """A ruleset in which the text is wherever a finding may quote it."""
        t = self.text
        rules = [
            {"name": t, "condition": f"gpu_temprature > 1 AND file_type == {quote(t)}", "action": t},
            {"name": "b", "condition": f"{t} > 1", "action": "log", "parameters": {t: t, "message": "{" + t + "}"}},
            {"name": "c", "condition": "gpu_memory > 1", "action": "delay_transfer", "parameters": {"delay": t}},
            {"name": "d", "condition": f"gpu_name MATCHES {quote(t + '(')}", "action": "log", t: t},
            {"name": "e", "condition": "gpu_memory > 200", "action": "pause_transfer", "priority": t, "tags": t},
        ]
        return self.write(
            f"bad{self.path_text}.rules.yaml",
            {"version": t, "name": t, "extends": [f"./{t}.yaml"], "define": {t: t}, "fields": {t: {"type": t}},
             "signals": {t: {"condition": t}}, "settings": {"timezone": t, t: 1}, "rules": rules, t: t},
        )  # fmt: skip

    def unformatted(self) -> Path:
        """A ruleset that is not laid out, with the text in a comment as far as YAML can have it."""
        drawn = "".join(c for c in self.text if c.isprintable()) or MARK
        return self.write(
            f"plain{self.path_text}.rules.yaml",
            f"version:   1\r\nname: x # {drawn}\nrules:\n- name: a\n  condition: gpu_memory>80 # {drawn}\n"
            f"  action: log\n  parameters: {{message: {json.dumps(self.text)}}}\n",
        )

    def snapshot(self) -> dict[str, object]:
        t = self.text
        gpu = {
            "index": 0, "uuid": t, "name": t, "memory": 50, "temperature": 40, "labels": {t: t},
            "missing": {"power": t, t: t}, "processes": [{"pid": 1, "name": t, "kind": t}],
        }  # fmt: skip
        lost = {"index": t, "uuid": f"GPU{t}", "name": t, "status": "lost", "missing": {"power": t}}
        odd = {"index": 2, "uuid": f"GPU2{t}", "status": t, "vendor": t, "temperature": t}
        return {"timestamp": 1767225600.0, "host": t, "driver_version": t, "gpus": [gpu, lost, odd], "labels": {t: t}}

    def transfer(self) -> dict[str, object]:
        t = self.text
        return {"id": t, "path": f"/data/{t}", "size": 2**30, "file_type": t, "framework": t, "operation": t,
                "workload_id": t, "labels": {t: t}}  # fmt: skip

    def recording(self) -> Path:
        """A recording with a line that cannot be used among others."""
        later = {**self.snapshot(), "timestamp": 1767225605.0}
        lines = [json.dumps(self.snapshot()), f'{{"timestamp": {json.dumps(self.text)}}}', json.dumps(later)]
        return self.write(f"node{self.path_text}.jsonl", "\n".join(lines) + "\n")

    def transfers(self) -> Path:
        lines = [json.dumps({**self.transfer(), "created": 1767225601.0}), json.dumps({"path": [self.text]})]
        return self.write(f"transfers{self.path_text}.jsonl", "\n".join(lines) + "\n")

    def facts(self) -> tuple[object, ...]:
        """Facts that are taken, with the text wherever any text may be."""
        t = self.text
        gpus = [{"index": 0, "uuid": t, "name": t, "memory": 50, "temperature": 40, "missing": {"power": t}}]
        snapshot = self.write(
            "snapshot.json", {"timestamp": 1767225600.0, "host": t, "driver_version": t, "gpus": gpus}
        )
        transfer = self.write("transfer.json", {"id": t, "path": f"/data/{t}", "size": 2**30, "workload_id": t})
        workload = self.write("workload.json", {"id": t, "gpu_devices": [0]})
        return ("--snapshot", snapshot, "--transfer", transfer, "--workload", workload)

    def tests(self) -> Path:
        """A file of rule tests, some of which fail."""
        t, ruleset = self.yaml_text, self.write("tested.rules.yaml", self.ruleset().read_text(encoding="utf-8")).name
        cases = [
            {"name": t, "given": {"snapshot": {"gpus": [{"index": 0, "name": t, "memory": 50}]}},
             "expect": [{"rule": "first", "outcome": "no-match"}]},
            {"name": f"b{t}", "given": {"snapshot": {"gpus": [{"index": 0, "memory": 5}]}, "transfer": {"path": t}},
             "expect": [{"rule": "first", "outcome": "match"}, {"decision": {"delay": 7}}]},
        ]  # fmt: skip
        wrong = {"name": t, "given": {t: t}, "expect": [{"rule": t, "outcome": t}]}
        self.write("bad.test.yaml", {"kind": "gpurules/test", "version": 1, "rulesets": [ruleset], "cases": [wrong]})
        return self.write(
            f"case{self.path_text}.test.yaml",
            {"kind": "gpurules/test", "version": 1, "rulesets": [ruleset], "cases": cases},
        )

    def configuration(self) -> Path:
        text = json.dumps(self.text) if "\ud800" not in self.text and "\udcff" not in self.text else f'"{MARK}"'
        text = text.replace("\\u007f", "\x7f")
        return self.write("gpurules.toml", f"[lint]\nignore = [{text}]\n{text} = {text}\nexclude = [{text}]\n")


def forms(command: str) -> list[str]:
    """Return the forms that a command can write."""
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return [
        choice
        for parameter in found.params
        if isinstance(parameter.type, click.Choice) and set(parameter.opts) & set(OPTIONS_OF_FORM)
        for choice in parameter.type.choices
    ]


def each_form(command: str, *arguments: object) -> Iterator[Run]:
    option = "--output-format" if command == "lint" else "--format"
    for form in forms(command):
        yield Run((command, *arguments, option, form))


def lint(place: Place) -> Iterator[Run]:
    bad, good, plain = place.broken(), place.ruleset(), place.unformatted()
    yield from each_form("lint", "--isolated", bad, good, plain)
    yield Run(("lint", "--isolated", "--statistics", bad))
    yield Run(("lint", "--isolated", "--diff", plain), is_data=True)
    yield Run(("lint", "--isolated", "--fix", "-", "--stdin-filename", place.text), plain.read_bytes(), is_data=True)
    yield Run(("lint", "--isolated", "-", "--stdin-filename", place.text), bad.read_bytes())
    yield Run(("lint", "--isolated", "--select", place.text, bad))
    yield Run(("lint", "--isolated", place.text))
    yield Run(("lint", "--isolated", "--history", place.recording(), good))
    baseline = place.write("baseline.json", {"version": 1, "findings": [{"code": place.text, "path": place.text}]})
    yield Run(("lint", "--isolated", "--baseline", baseline, bad))
    yield Run(("lint", "--config", place.configuration(), good))
    yield Run(("lint", "--isolated", "--emit-test", place.folder / f"emitted{place.path_text}.yaml", good))


def fmt(place: Place) -> Iterator[Run]:
    plain, bad = place.unformatted(), place.broken()
    yield Run(("fmt", "--isolated", "--check", plain, bad))
    yield Run(("fmt", "--isolated", "--diff", plain), is_data=True)
    yield Run(("fmt", "--isolated", "-", "--stdin-filename", place.text), plain.read_bytes(), is_data=True)
    yield Run(("fmt", "--isolated", "-", "--stdin-filename", place.text), place.text.encode("utf-8", "replace"))
    yield Run(("fmt", "--isolated", place.text))
    yield Run(("fmt", "--isolated", plain))


def check_tests(place: Place) -> Iterator[Run]:
    tests = place.tests()
    yield Run(("test", "--isolated", "--coverage", "--verbose", "--jobs", 1, tests))
    yield Run(("test", "--isolated", "--jobs", 1, place.folder / "bad.test.yaml"))
    yield Run(("test", "--isolated", "--jobs", 1, "--junit", "/dev/stdout", tests))
    yield Run(("test", "--isolated", "--run", place.text, tests))
    yield Run(("test", "--isolated", "--jobs", 1, "-", "--stdin-filename", place.text), tests.read_bytes())


def generate(place: Place) -> Iterator[Run]:
    yield Run(("testgen", "--isolated", place.ruleset()), is_data=True)
    yield Run(("testgen", "--isolated", "--tests", place.tests(), place.broken()))


def evaluate(place: Place) -> Iterator[Run]:
    facts = place.facts()
    yield from each_form("eval", *facts, f"gpu_name == {quote(place.text)}")
    yield from each_form("eval", "-v", *facts, "-r", place.ruleset())
    wrong = place.write("wrong.json", place.snapshot())
    yield Run(("eval", "--snapshot", wrong, "--transfer", place.write("t.json", place.transfer()), "gpu_memory > 1"))
    yield Run(("eval", "-v", *facts, f"gpu_name == {quote(place.text)} OR path CONTAINS {quote(place.text)}"))
    yield Run(("eval", f"{place.text} > 1"))
    yield Run(("eval", "--snapshot", place.text, "gpu_memory > 1"))
    yield Run(("eval", "--snapshot", json.dumps({place.text: place.text, "gpus": place.text}), "gpu_memory > 1"))


def repl(place: Place) -> Iterator[Run]:
    lines = [
        f"gpu_name == {quote(place.text)}", place.text, f":{place.text}", f":snapshot x{place.text}", ":facts",
        f":fields {place.text}", f":define {place.text} = 1", f"path == {quote(place.text)}",
    ]  # fmt: skip
    yield Run(("repl", *place.facts()), "\n".join(lines).encode("utf-8", "replace") + b"\n")


def explain(place: Place) -> Iterator[Run]:
    yield from each_form("explain", place.ruleset(), *place.facts())
    yield Run(("explain", place.ruleset(), place.text))
    yield Run(("explain", place.broken()))
    yield Run(("explain", place.text))


def diff(place: Place) -> Iterator[Run]:
    old = place.ruleset()
    text = json.loads(old.read_text(encoding="utf-8"))
    t = place.yaml_text
    text["rules"][0]["condition"] = f"gpu_name != {quote(t)}"
    text["rules"][1]["description"] = "new"
    text["rules"].append({"name": "third", "description": t, "condition": "gpu_memory > 1", "action": "log",
                          "parameters": {"message": t}})  # fmt: skip
    new = place.write(f"new{place.path_text}.rules.yaml", text)
    yield from each_form("diff", old, new, "--history", place.recording(), "--transfers", place.transfers())
    yield Run(("diff", old, "gpurules:thermal"))
    yield Run(("diff", old, place.text))
    yield Run(("diff", old, new, "--allow", place.text))


def play(place: Place) -> Iterator[Run]:
    source = f"replay:{place.recording()}"
    yield from each_form("run", place.ruleset(), "--source", source, "--transfers", place.transfers(), "-v")
    state = place.write("state.json", {"version": place.text, "saved": place.text})
    yield Run(("run", place.ruleset(), "--source", source, "--state", state))
    yield Run(("run", place.ruleset(), "--source", source, "--client", f"{place.text}={place.text}"))
    yield Run(("run", place.ruleset(), "--source", f"{place.text}:{place.text}"))
    yield Run(("run", place.broken(), "--source", source))
    csv = place.write("node.csv", f"timestamp,index,name\n{place.text!r},{place.text},{place.text}\n")
    yield Run(("run", place.ruleset(), "--source", f"replay:{csv}"))


def live(place: Place) -> Iterator[Run]:
    source = f"replay:{place.recording()}"
    for width in (60, 100, 140):
        yield Run(("watch", place.ruleset(), "--source", source, "--once", "--polls", 3, "--width", width))
    yield Run(("watch", place.text, "--source", place.text, "--once"))


def record(place: Place) -> Iterator[Run]:
    yield Run(("record", "--source", f"replay:{place.recording()}"))
    yield Run(("record", "--source", f"replay:{place.recording()}", "-o", place.folder / f"out{place.path_text}.jsonl"))
    yield Run(("record", "--source", place.text))


def doctor(place: Place) -> Iterator[Run]:
    source = f"replay:{place.recording()}"
    state = place.folder / f"state{place.path_text}" / "state.json"
    yield from each_form("doctor", place.ruleset(), "--source", source, "--state", state, "--timeout", 1)
    yield Run(("doctor", place.text, "--source", place.text, "--timeout", 1))


def snapshot(place: Place) -> Iterator[Run]:
    yield from each_form("snapshot", "--source", f"replay:{place.recording()}")
    yield Run(("snapshot", "--source", f"replay:{place.text}"))
    yield Run(("snapshot", "--source", f"nvidia-smi:binary={place.text}"))
    yield Run(("snapshot", "--source", f"dcgm:http://{place.text}/"))
    yield Run(
        ("snapshot", "--source", f"replay:{place.recording()}", "--columns", place.text, "--timezone", place.text)
    )


def bench(place: Place) -> Iterator[Run]:
    yield from each_form("bench", place.ruleset(), "--seconds", 0.01, "--gpus", 1)
    yield Run(("bench", place.text))


def named(command: str, *known: object) -> Callable[[Place], Iterator[Run]]:
    """Return the runs of a command that takes a name: one that is there in each form, and the text."""

    def runs(place: Place) -> Iterator[Run]:
        yield from each_form(command, *known)
        yield Run((command, place.text))

    return runs


def schema(place: Place) -> Iterator[Run]:
    for form in forms("schema"):
        yield Run(("schema", "--kind", form))
    yield Run(("schema", "--kind", place.text))


def init(place: Place) -> Iterator[Run]:
    yield Run(("init", place.folder / f"project{place.path_text}"))
    yield Run(("init", place.folder / f"project{place.path_text}"))


def config(place: Place) -> Iterator[Run]:
    yield from each_form("config", "--show-origin", "--config", place.configuration())
    yield Run(("config", "--config", place.text))


def build(place: Place) -> Iterator[Run]:
    yield Run(("build", place.ruleset(), "--check"))
    yield Run(("build", place.ruleset(), "--target", "c", "-o", place.folder / f"built{place.path_text}"))
    yield Run(("build", place.broken(), "--check"))
    yield Run(("build", place.text, "--target", "go", "-o", place.text))


def backtest(place: Place) -> Iterator[Run]:
    history = ("--history", place.recording(), "--jobs", 1)
    yield from each_form("backtest", place.ruleset(), *history, "--by", "gpu")
    yield Run(("backtest", place.ruleset(), *history, "--fail-if", place.text))
    yield Run(("backtest", place.broken(), *history))
    yield Run(("backtest", place.text, "--history", place.text))


def tune(place: Place) -> Iterator[Run]:
    history = ("--history", place.recording())
    yield from each_form("tune", place.ruleset(), *history, "--goal", "warm.flaps_per_hour <= 1")
    yield Run(("tune", place.ruleset(), *history, "--goal", place.text))
    yield Run(("tune", place.broken(), *history))
    yield Run(("tune", place.text, "--history", place.text))


def history(place: Place) -> Iterator[Run]:
    store = place.folder / f"store{place.path_text}"
    yield Run(("history", "import", store, place.recording()))
    yield Run(("history", "info", store))
    yield Run(("history", "export", store), is_data=True)
    yield Run(("history", "info", place.text))


def serve(place: Place) -> Iterator[Run]:
    source = ("--source", "synthetic:gpus=1")
    yield from each_form("serve", place.broken(), *source, "--bind", f"unix:{place.folder}/agent.sock")
    yield Run(("serve", place.ruleset(), *source, "--bind", place.text))
    yield Run(("serve", place.ruleset(), "--source", place.text, "--bind", f"unix:{place.folder}/agent.sock"))


def status(place: Place) -> Iterator[Run]:
    yield from each_form("status", "--connect", f"unix:{place.folder}/{place.path_text[:30]}")
    yield Run(("status", "--connect", place.text))
    yield Run(("status", "--connect", "https://localhost:1", "--token-file", place.text))


def export(place: Place) -> Iterator[Run]:
    yield Run(("export", "prometheus", place.ruleset()), is_data=True)
    yield Run(("export", "prometheus", place.broken()))
    yield Run(("export", "prometheus", place.text))


def take_over(place: Place) -> Iterator[Run]:
    t = place.text
    alert = {"alert": t, "expr": "DCGM_FI_DEV_GPU_TEMP > 85", "labels": {t: t}, "annotations": {t: t}}
    wrong = {"alert": t, "expr": t, "for": t}
    rules = place.write(f"rules{place.path_text}.yml", {"groups": [{"name": t, "rules": [alert, wrong]}]})
    yield Run(("import", "prometheus", rules, "--name", t), is_data=True)
    yield Run(("import", "prometheus", place.text))


def health(place: Place) -> Iterator[Run]:
    rules = json.loads(place.ruleset().read_text(encoding="utf-8"))
    for rule in rules["rules"]:
        rule["tags"] = ["health"]
    tagged = place.write(f"tagged{place.path_text}.rules.yaml", rules)
    yield from each_form("health", tagged, "--no-drain", "--source", f"replay:{place.recording()}")
    yield Run(("health", place.broken(), "--source", place.text))
    yield Run(("health", place.text, "--tag", place.text))


RECIPES: dict[str, Callable[[Place], Iterator[Run]]] = {
    "lint": lint, "fmt": fmt, "test": check_tests, "testgen": generate, "eval": evaluate, "repl": repl,
    "explain": explain,
    "diff": diff, "run": play, "watch": live, "record": record, "doctor": doctor, "snapshot": snapshot,
    "sources": named("sources", "--timeout", 1), "fields": named("fields"), "actions": named("actions", "log"),
    "rulesets": named("rulesets"), "rule": named("rule", "GPR101"), "schema": schema, "init": init, "config": config,
    "version": named("version"), "build": build, "backtest": backtest, "tune": tune, "history": history, "serve": serve,
    "status": status, "health": health, "bench": bench, "export": export, "import": take_over,
}  # fmt: skip


class Stream(io.TextIOWrapper):
    """A substitute for stdout or stderr: a pipe, or a terminal."""

    is_terminal = False

    def isatty(self) -> bool:
        return self.is_terminal


def outcome(call: Run, is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Run the program; return its exit code, and what it wrote to stdout and stderr."""
    streams = [Stream(io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="") for _ in range(2)]
    for stream in streams:
        stream.is_terminal = is_terminal
    with monkeypatch.context() as context:
        context.setattr("sys.stdout", streams[0])
        context.setattr("sys.stderr", streams[1])
        context.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(call.stdin), encoding="utf-8"))
        context.setenv("TERM", "xterm")
        context.setenv("COLUMNS", "100")
        context.setenv("TZ", "UTC")
        for name in ("NO_COLOR", "FORCE_COLOR", "CI"):
            context.delenv(name, raising=False)
        time.tzset()
        code = run([str(argument) for argument in call.arguments])
        for stream in streams:
            stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
    return code, out, err


def is_drawn(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def faults(text: str, has_color: bool) -> Iterator[str]:
    """Yield what is wrong with lines that a terminal or a log may show."""
    plain = COLOR.sub("", text.replace(ERASE, "")) if has_color else text
    if CONCEALING.search(text):
        yield "something is concealed"
    for character in sorted(set(plain)):
        if not is_drawn(character):
            near = plain[max(0, plain.index(character) - 60) :][:90]
            yield f"U+{ord(character):04X}: {near!r}"
    for line in plain.split("\n"):
        if line.startswith(MARK):
            yield f"a forged line: {line[:80]!r}"


def strict(text: str) -> object:
    def refuse(word: str) -> object:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def check(call: Run, outcome: tuple[int, str, str], is_terminal: bool) -> None:
    code, out, err = outcome
    where = " ".join(str(argument)[:40] for argument in call.arguments)
    assert code != 3, f"{where!a}: {err}"
    assert code in (0, 1, 2), ascii(where)
    assert list(faults(err, is_terminal)) == [], f"{where!a}: stderr"
    if not call.is_data or is_terminal:
        assert list(faults(out, is_terminal)) == [], f"{where!a}: stdout"
    if call.form in ("json", "gitlab", "sarif") and out:
        lines = out.splitlines() if call.arguments[0] == "run" else [out]
        for line in lines:
            strict(line)
    if call.form == "json-lines" or call.arguments[0] == "record":
        for line in out.splitlines():
            strict(line)


def is_argument(argument: object) -> bool:
    """Return whether a process can be given *argument*."""
    try:
        return b"\0" not in os.fsencode(str(argument))
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("family", representative(FAMILIES, QUICK))
@pytest.mark.parametrize("command", RECIPES)
def test_no_text_from_outside_forges_a_line_or_commands_a_terminal(
    command: str, family: str, is_terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, FAMILIES[family])
    for call in RECIPES[command](place):
        if not all(map(is_argument, call.arguments)):
            continue
        check(call, outcome(call, is_terminal, monkeypatch), is_terminal)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_facts_and_rulesets_of_this_test_are_taken(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, FAMILIES[family])
    for command, codes in {"explain": (0,), "run": (0,), "watch": (0,), "diff": (1,), "test": (1,)}.items():
        code, out, err = outcome(next(iter(RECIPES[command](place))), False, monkeypatch)
        assert code in codes, f"{command}: {err[:300]!a}"
        assert out


def test_every_command_and_every_form_is_covered(tmp_path: Path) -> None:
    assert set(RECIPES) == set(COMMANDS) - SPEAKS_JSON_TO_EDITORS
    for command, recipe in RECIPES.items():
        covered = {call.form for call in recipe(Place(tmp_path, MARK))}
        assert set(forms(command)) <= covered, f"{command}: a form is not covered"


SILENT = {"version", "sources", "schema"}
"""Commands whose output has no text from outside but for what they refuse."""


@pytest.mark.parametrize("command", sorted(set(RECIPES) - SILENT))
def test_the_text_does_come_through(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = [outcome(call, False, monkeypatch) for call in RECIPES[command](Place(tmp_path, FAMILIES["color"]))]
    assert any(
        "\u241b[8mFORGED" in out or "\\u001b[8mFORGED" in out or "\\x1b[8mFORGED" in out
        for _, *written in shown
        for out in written
    )
