"""Generates the page of common mistakes of newcomers, each with the actual output of the command."""

import io
import shlex
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from gpurules.cli.main import run
from gpurules.cli.reference.wrapping import wrap_prose

_HEAD = """# A new user's first hour

Mistakes that newcomers make, and how gpurules responds. `make docs` runs every command of this page and writes its
real output.
"""
_FILE, _TEST_FILE = "node.rules.yaml", "node.test.yaml"
_DELAY = "action: delay_transfer\n    parameters: {delay: 30s}"


def _ruleset(condition: str, rest: str = _DELAY) -> dict[str, str]:
    return {_FILE: f"version: 1\nname: my-node\nrules:\n  - name: hold\n    condition: {condition}\n    {rest}\n"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: the files that exist and the arguments of the command; the page shows the file ``shown``.

    Missing: ``shown`` None: the mistake is in the command.
    """

    title: str
    files: Mapping[str, str] = field(default_factory=dict)
    arguments: str = f"lint {_FILE}"
    shown: str | None = _FILE


_TEST = f"""kind: gpurules/test
rulesets: [{_FILE}]
cases:
  - name: holds at 80
    given: {{snapshot: {{gpus: [{{index: 0, memory: 80}}]}}}}
    expect: [{{rule: hold, outcome: match}}]
"""
_FULL_GPU = """--snapshot '{"gpus": [{"index": 0, "memory": 91}]}'"""
MISTAKES = (
    Mistake("There is no ruleset yet", shown=None),
    Mistake("A command is misspelled", arguments=f"lnt {_FILE}", shown=None),
    Mistake("Keys that sound right", {
        _FILE: "version: 1\nname: my-node\nrules:\n  - name: hold\n    when: gpu_memory > 80\n    then: log\n"
    }),
    Mistake("A tab in YAML", {_FILE: "version: 1\nname: my-node\nrules:\n\t- name: hold\n"}),
    Mistake("The action is in the condition", _ruleset("gpu_memory > 80 THEN delay_transfer")),
    Mistake("A field is misspelled", _ruleset("gpu_temprature > 85")),
    Mistake("A size is compared with a percentage", _ruleset("gpu_memory > 16GiB")),
    Mistake("A unit in lower case", _ruleset("transfer_size > 100mb")),
    Mistake("A string without quotes", _ruleset("file_type = model AND gpu_memory > 80")),
    Mistake("An extension without its dot", _ruleset("file_extension == 'pt'")),
    Mistake("A window across midnight", _ruleset("time_of_day BETWEEN 22:00 AND 06:00")),
    Mistake("A Prometheus query", _ruleset("'DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} > 85'")),
    Mistake("A short name for an action", _ruleset("gpu_memory > 80", "action: delay")),
    Mistake("A parameter is left out", _ruleset("gpu_memory > 80", "action: reduce_prefetch")),
    Mistake(
        "A timer on a rule about a transfer",
        _ruleset("gpu_memory > 80 AND transfer_size > 1GiB", "for: 30s\n    action: pause_transfer"),
    ),
    Mistake("Facts under a wrong key",
            arguments="""eval 'gpu_memory > 80' --snapshot '{"gpu": [{"index": 0, "memory": 91}]}'""", shown=None),
    Mistake(
        "The rule does not match but should",
        _ruleset("gpu_memory > 80 AND file_type == 'model'"),
        f"""explain {_FILE} {_FULL_GPU} --transfer '{{"path": "/data/a.tar"}}'""",
    ),
    Mistake(
        "A test at the limit", _ruleset("gpu_memory > 80") | {_TEST_FILE: _TEST}, f"test {_TEST_FILE}", _TEST_FILE
    ),
    Mistake(
        "A source that does not exist", _ruleset("gpu_memory > 80"), f"run {_FILE} --source nvidia", shown=None
    ),
)  # fmt: skip


def answer(mistake: Mistake) -> str:
    """Return all output of the command, run in a folder of its own; ``COLUMNS`` sets the line width."""
    captured = io.StringIO()
    with TemporaryDirectory() as folder, chdir(folder):
        Path(".git").mkdir()  # the search for a configuration stops here
        for name, text in mistake.files.items():
            Path(name).write_text(text, encoding="utf-8")
        with redirect_stdout(captured), redirect_stderr(captured):
            run(shlex.split(mistake.arguments))
    return captured.getvalue().strip()


def first_hour_page() -> str:
    """Return the page of all mistakes, each with the output."""
    return wrap_prose("\n".join([_HEAD, *(_section(n, mistake) for n, mistake in enumerate(MISTAKES, 1))]))


def _section(number: int, mistake: Mistake) -> str:
    shown = f"```text\n{mistake.files[mistake.shown]}```\n\n" if mistake.shown is not None else ""
    console = f"```text\n$ gpurules {mistake.arguments}\n{answer(mistake)}\n```\n"
    return f"## {number}. {mistake.title}\n\n{shown}{console}"
