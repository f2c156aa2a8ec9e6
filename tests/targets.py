"""Runs conditions and rulesets on the back ends that write Go and C: one program for many cases, built once."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gpurules.backends import Facts, RuleTerm
from gpurules.backends.backend import UnsupportedError
from gpurules.backends.c import CBackEnd
from gpurules.backends.go import GoBackEnd
from gpurules.backends.native import NativeProgram, NativeRule, StateSchema, schema_of
from gpurules.backends.native.cells import Stamp, StateEncoder, wire
from gpurules.language.terms import ir
from gpurules.model import Transfer, Truth, Workload

GO, GCC = shutil.which("go"), shutil.which("gcc")
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow")
SANITIZED = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
STAMP = Stamp(1, 1, 0, 0.0, 0)


@dataclass(frozen=True)
class Case:
    """A condition and what it is evaluated on."""

    term: ir.Term
    per_gpu: bool
    facts: Facts


@dataclass(frozen=True)
class Outcome:
    """What a target found: the truth, the GPUs, and whether NOT and IS MISSING agree with it."""

    value: Truth
    devices: tuple[Any, ...]


def run(command: Sequence[str], folder: Path, text: str = "", timeout: float = 300) -> str:
    """Run *command* in *folder* and return what it writes; whatever goes wrong is shown."""
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, (command, done.stderr[-4000:], done.stdout[-1000:])
    return done.stdout


def write(files: dict[str, str], folder: Path) -> None:
    """Write generated files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))


class GoDriver:
    """Builds the driver of a program in Go, and asks it."""

    name = "go"
    back_end = GoBackEnd()

    def build(self, program: NativeProgram, schema: StateSchema | None, folder: Path) -> None:
        write(dict(self.back_end.files(program, "rules", schema, with_driver=True)), folder)
        run(["go", "build", "-o", "answer", "./driver"], folder)

    def line(self, slot: bytes, transfer: Transfer, workload: Workload) -> str:
        return json.dumps({"state": slot.hex(), "transfer": transfer.to_dict(), "workload": workload.to_dict()})

    def ask(self, folder: Path, lines: Iterable[str]) -> list[dict[str, Any]]:
        out = run([str(folder / "answer")], folder, "".join(f"{line}\n" for line in lines))
        return [json.loads(line) for line in out.splitlines()]


class CDriver(GoDriver):
    """The same in C, with every warning an error, and under sanitizers."""

    name = "c"
    back_end = CBackEnd()  # type: ignore[assignment]

    def __init__(self, options: Sequence[str] = SANITIZED) -> None:
        self.options = options

    def build(self, program: NativeProgram, schema: StateSchema | None, folder: Path) -> None:
        write(dict(self.back_end.files(program, "gr", schema, with_driver=True)), folder)
        run(["gcc", *STRICT, *self.options, "gr_driver.c", "-o", "answer", "-lm"], folder)

    def line(self, slot: bytes, transfer: Transfer, workload: Workload) -> str:
        given = {name: value for name, value in transfer.to_dict().items() if name != "labels"}
        given |= {f"label_{name}".lower(): value for name, value in transfer.labels.items()}
        job = {n: v for n, v in workload.to_dict().items() if isinstance(v, str | int | float)}
        job |= {f"label_{name}".lower(): value for name, value in workload.labels.items()}
        gpus = " ".join(wire({"gpu": device}) for device in workload.gpu_devices)
        return f"{slot.hex()}\t{wire(given)}\t{wire(job)} {gpus}"


@cache
def drivers() -> tuple[GoDriver, ...]:
    """Return the targets for which there is a compiler here."""
    return tuple(driver for driver, compiler in ((GoDriver(), GO), (CDriver(), GCC)) if compiler)


def rules_of(number: int, case: Case) -> list[NativeRule]:
    """Return rules that hold where a condition is TRUE, where it is FALSE, and where it is UNKNOWN."""
    terms = {"true": case.term, "false": ir.Not(case.term), "unknown": ir.IsMissing(case.term)}
    return [
        NativeRule(f"{word} {number}", "case:1", "", RuleTerm(term, case.per_gpu, name=f"{word} {number}"))
        for word, term in terms.items()
    ]


def evaluate(driver: GoDriver, cases: Sequence[Case], folder: Path) -> list[Outcome | UnsupportedError]:
    """Return what *driver* finds for each case, or why its target cannot say it: all in one program."""
    programs: list[list[NativeRule] | UnsupportedError] = []
    for number, case in enumerate(cases):
        rules = rules_of(number, case)
        try:
            driver.back_end.check(NativeProgram("cases", "v", tuple(rules)))
            programs.append(rules)
        except UnsupportedError as error:
            programs.append(error)
    kept = [number for number, made in enumerate(programs) if isinstance(made, list)]
    program = NativeProgram("cases", "v", tuple(r for made in programs if isinstance(made, list) for r in made))
    schema = schema_of(program.terms)
    driver.build(program, schema, folder)
    lines = []
    for number in kept:
        facts = cases[number].facts
        slot = StateEncoder(schema, facts.layout).slot(facts, STAMP, {})
        lines.append(driver.line(slot, facts.transfer, facts.workload))
    answers = dict(zip(kept, driver.ask(folder, lines), strict=True))
    return [_outcome(n, answers[n], cases[n]) if n in answers else made for n, made in enumerate(programs)]  # type: ignore[misc]


def _outcome(number: int, answer: dict[str, Any], case: Case) -> Outcome:
    assert "error" not in answer, answer
    matched = {match["rule"]: match["devices"] for match in answer["matched"]}
    found = {word: f"{word} {number}" in matched for word in ("true", "false", "unknown")}
    gpus = len(case.facts.gpus)
    if not case.per_gpu:
        assert sum(found.values()) == 1, (number, found)
    elif gpus:
        devices = [device for word in found for device in matched.get(f"{word} {number}", [])]
        assert len(devices) == gpus, (number, "each GPU has one truth value", matched)
    value = True if found["true"] else None if found["unknown"] else False
    return Outcome(value, tuple(matched.get(f"true {number}", ())))


def build_many(driver: GoDriver, programs: Sequence[tuple[NativeProgram, StateSchema]], folder: Path) -> None:
    """Build one program of many rulesets; its argument says which is asked."""
    if driver.name == "c":
        _build_many_in_c(driver, programs, folder)
        return
    imports, answers = [], []
    for number, (program, schema) in enumerate(programs):
        files = driver.back_end.files(program, "rules", schema, with_driver=True)
        for name, text in files.items():
            if name == "go.mod":
                continue
            place = f"d{number}/{name.removeprefix('driver/')}" if name.startswith("driver/") else f"p{number}/{name}"
            text = text.replace("package main\n", f"package d{number}\n", 1)
            write({place: text.replace('"rules"', f'rules "many/p{number}"')}, folder)
        write({f"d{number}/run.go": f"package d{number}\n\n// Run runs.\nfunc Run() {{ main() }}\n"}, folder)
        imports.append(f'\t"many/d{number}"')
        answers.append(f'\tcase "{number}":\n\t\td{number}.Run()')
    lines = [
        "package main",
        "",
        "import (",
        '\t"os"',
        *imports,
        ")",
        "",
        "func main() {",
        "\tswitch os.Args[1] {",
        *answers,
    ]
    write({"main.go": "\n".join([*lines, "\t}", "}", ""]), "go.mod": "module many\n\ngo 1.19\n"}, folder)
    run(["go", "build", "-o", "answer", "."], folder)


def _build_many_in_c(driver: GoDriver, programs: Sequence[tuple[NativeProgram, StateSchema]], folder: Path) -> None:
    lines, answers = [], []
    for number, (program, schema) in enumerate(programs):
        write(dict(driver.back_end.files(program, f"p{number}", schema, with_driver=True)), folder)
        lines += [f"#define main p{number}_main", f'#include "p{number}_driver.c"', "#undef main"]
        answers.append(f"    case {number}: return p{number}_main();")
    lines += ["int main(int count, char **arguments) {", "    switch (count < 2 ? -1 : atoi(arguments[1])) {", *answers]
    write({"many.c": "\n".join([*lines, "    default: return 2;", "    }", "}", ""])}, folder)
    run(
        ["gcc", *STRICT, "-O0", "-fsanitize=undefined", "-fno-sanitize-recover=all", "many.c", "-o", "answer", "-lm"],
        folder,
    )


def ask_one(folder: Path, number: int, lines: Iterable[str]) -> list[dict[str, Any]]:
    """Ask one ruleset of many."""
    out = run([str(folder / "answer"), str(number)], folder, "".join(f"{line}\n" for line in lines))
    return [json.loads(line) for line in out.splitlines()]


def comparable(decision: dict[str, Any]) -> dict[str, Any]:
    """Return what every target says of a decision, numbers as doubles."""
    kept = {k: v for k, v in decision.items() if k not in ("directives", "overlong", "snapshot_time")}
    kept["matched"] = [{"rule": m["rule"], "devices": m["devices"]} for m in decision["matched"]]
    for name in ("prefetch_factor", "delay", "priority_boost", "max_bandwidth", "max_concurrency"):
        kept[name] = None if kept[name] is None else float(kept[name])
    return kept
