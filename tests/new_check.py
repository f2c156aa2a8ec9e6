"""Writes the skeleton of a lint check, its fixtures and its registration: ``make new-check CODE=GPR712 NAME=my-check``.

The skeleton works: it finds rules called ``bad``. Replace what it looks for, its examples and its reasons, then run
``make docs`` and ``pytest tests/unit/linter/test_checks.py --update-golden``.
"""

import re
import sys
from pathlib import Path

from gpurules.diagnostics import CATALOGUE
from gpurules.linter.checks import CHECKS

SKELETON = '''\
"""{code}: say here what it finds."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.linter.check import Subject, at_rule

ABOUT = Code(
    code="{code}",
    name="{name}",
    severity=Severity.WARNING,
    kind="style",
    summary="a rule is called bad",
    since="{since}",
    form=Form.RULE,
    avoid="- {{name: bad, condition: gpu_memory > 80, action: pause_transfer}}",
    prefer="- {{name: good, condition: gpu_memory > 80, action: pause_transfer}}",
    why="Say here why it matters, and what to do.",
)


class {class_name}:
    """A rule that is called bad."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            if rule.name == "bad":
                yield at_rule(ABOUT.code, rule, "the rule is called bad", "say what it is for")
'''
RULESET = """\
version: 1
name: example
rules:
  - {{name: {name}, condition: gpu_memory > 80, action: pause_transfer}}
"""


def problem_with(code: str, name: str) -> str | None:
    """Return why no check can have this code and name; None where one can."""
    if not re.fullmatch(r"GPR[2-9]\d{2}", code):
        return f"{code!r} is not a code of a check: GPR200 to GPR999"
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", name):
        return f"{name!r} is not a name: two or more words in lower case with - between them"
    taken = [known.code for known in CATALOGUE.values() if code == known.code or name == known.name]
    return f"{taken[0]} has that code or name already" if taken else None


def write(root: Path, code: str, name: str) -> list[Path]:
    """Write the files of a new check under *root*; return those that are new or changed."""
    module, class_name = name.replace("-", "_"), "".join(word.capitalize() for word in name.split("-"))
    version = re.search(r'^version = "(\d+\.\d+)', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    checks, fixtures = root / "gpurules" / "linter" / "checks", root / "tests" / "golden" / "checks" / code
    text = SKELETON.format(code=code, name=name, class_name=class_name, since=version[1] if version else "")
    fixtures.mkdir(parents=True)
    for path, content in (
        (checks / f"{module}.py", text),
        (fixtures / "bad.yaml", RULESET.format(name="bad")),
        (fixtures / "good.yaml", RULESET.format(name="good")),
        (fixtures / "expected.txt", f"bad.yaml:4:12: {code} warning: the rule is called bad (say what it is for)\n"),
        (checks / "__init__.py", registered((checks / "__init__.py").read_text(encoding="utf-8"), code, module)),
    ):
        path.write_text(content, encoding="utf-8")
    return [checks / f"{module}.py", checks / "__init__.py", *sorted(fixtures.iterdir())]


def registered(text: str, code: str, module: str) -> str:
    """Return the registry of the checks with a new one: its import in order of the alphabet, its entry of the code."""
    class_name = "".join(word.capitalize() for word in module.split("_"))
    line = f"from gpurules.linter.checks.{module} import {class_name}\n"
    imports = re.findall(r"from gpurules\.linter\.checks\.\w+ import \w+\n", text)
    text = text.replace("".join(imports), "".join(sorted([*imports, line])))
    later = [type(check).__name__ for check in CHECKS if check.about.code > code]
    entry = f"    {class_name}(),\n"
    return text.replace(f"    {later[0]}(),\n", f"{entry}    {later[0]}(),\n") if later else text.replace(
        "\n)\n", f"\n{entry})\n"
    )  # fmt: skip


def main() -> int:
    """Write the check that the arguments name."""
    if len(sys.argv) != 3:
        print("write: make new-check CODE=GPR712 NAME=my-check", file=sys.stderr)
        return 2
    _, code, name = sys.argv
    if reason := problem_with(code, name):
        print(reason, file=sys.stderr)
        return 2
    for path in write(Path(), code, name):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
