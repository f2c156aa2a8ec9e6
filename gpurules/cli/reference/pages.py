"""The reference as data and as pages, made from the registries: fields, actions and diagnostic codes."""

from collections.abc import Iterable, Sequence
from dataclasses import fields as dataclass_fields
from pathlib import Path

from gpurules.actions import ACTIONS, Action, is_directive, parameter_rows
from gpurules.cli.reference.wrapping import wrap_prose
from gpurules.cli.terminal.output import to_json
from gpurules.diagnostics import CATALOGUE, Code, Fix, Form, Need, Severity
from gpurules.diagnostics.catalogue import ABOUT_TESTS, LINT_ONLY, ON_REQUEST
from gpurules.fields import FIELDS, Field, Scope, field_range
from gpurules.model import Kind
from gpurules.strict_json import dumps

SCOPES = {
    Scope.GPU: "Each GPU",
    Scope.NODE: "The node",
    Scope.TRANSFER: "The transfer",
    Scope.WORKLOAD: "The workload of the transfer",
}
GENERATED = "<!-- Made by `make docs` from {source}; do not edit. -->\n"


def field_data(field: Field) -> dict[str, object]:
    """Describe a field as JSON-ready data."""
    data: dict[str, object] = {
        "name": field.name,
        "scope": field.scope.value,
        "type": field.datatype.kind.value,
        "description": field.description,
        "source": field.source,
    }
    if field.datatype.kind is Kind.NUMBER:
        data["dimension"] = field.datatype.dimension.value
    given = {"minimum": field.minimum, "maximum": field.maximum, "values": list(field.values) or None}
    return data | {key: value for key, value in given.items() if value is not None} | {"counter": field.counter}


def action_data(action: Action) -> dict[str, object]:
    """Describe an action as JSON-ready data."""
    data: dict[str, object] = {"name": action.name, "kind": action.kind.value, "summary": action.summary}
    if is_directive(action):
        data |= {"sets": action.target, "otherwise": action.neutral, "excludes": sorted(action.excludes)}
    return data | {"parameters": dict(action.schema)}


def code_data(code: Code) -> dict[str, object]:
    """Describe a diagnostic code as JSON-ready data."""
    return {
        "code": code.code,
        "name": code.name,
        "severity": code.severity.value,
        "kind": code.kind,
        "summary": code.summary,
        "fix": code.fix.value if code.fix else None,
        "needs": code.needs.value,
        "since": code.since,
        "avoid": code.avoid,
        "prefer": code.prefer,
        "why": code.why,
        "silence": silence(code),
    }


def fix_of(code: Code) -> str:
    """Describe the fix of a finding with *code*, if there is one."""
    if code.code in ("GPR803", "GPR804"):
        return (
            "`gpurules testgen` writes the missing tests, which expect what the rules do now; review the expectations"
        )
    return _FIXES[code.fix]


def silence(code: Code) -> str:
    """Describe how to suppress a code."""
    option = f"`gpurules lint --ignore {code.code}` omits it from the report"
    if code.code.startswith("GPR9"):
        return f"{option}."
    if code.code.startswith(ON_REQUEST):
        option = f"Not reported by default; select it with `gpurules lint --extend-select {code.code}`. {option}"
    if code.code in ABOUT_TESTS:
        return f"{option}; `gpurules test` reports it anyway, because it is about the tests themselves."
    comment = f'`# gpurules: ignore[{code.code}] reason="…"`'
    text = f"{option}; {comment} on the line, or on a line of its own above the rule, suppresses it there."
    if code.severity is Severity.ERROR and code.code not in LINT_ONLY:
        return f"{text} A ruleset with an error does not load, whether or not the error is reported."
    return text


_FIXES = {
    Fix.SAFE: "`gpurules lint --fix` if the fix is proved to preserve the meaning, otherwise with `--unsafe-fixes`",
    Fix.UNSAFE: "`gpurules lint --fix --unsafe-fixes` if there is only one plausible fix; review the result",
    None: "none; it depends on what was meant",
}


_NEEDS = {
    Need.SYNTAX: "only the file",
    Need.ANALYSIS: "the semantic analysis of all valid rules together",
    Need.HISTORY: "a recording: `gpurules lint --history FILE`",
    Need.TESTS: "the tests of the ruleset",
}


def code_page(code: Code) -> str:
    """Return the page of a diagnostic code."""
    language = {Form.CONDITION: "text", Form.WORDS: ""}.get(code.form, "yaml")

    def shown(example: str) -> str:
        return example if code.form is Form.WORDS else f"```{language}\n{example}\n```"

    return (
        f"# {code.code} {code.name}\n\n"
        f"Severity: {code.severity.value}. {code.summary[0].upper()}{code.summary[1:]}.\n\n"
        f"Fix: {fix_of(code)}.\n\n"
        f"Needs: {_NEEDS[code.needs]}. Since: {code.since}.\n\n"
        f"## Avoid\n\n{shown(code.avoid)}\n\n"
        f"## Prefer\n\n{shown(code.prefer)}\n\n"
        f"## Why\n\n{code.why}\n\n"
        f"## How to suppress\n\n{silence(code)}\n"
    )


def codes_page() -> str:
    """Return the page that lists every diagnostic code."""
    rows = (
        (f"[{c.code}]({c.code}.md)", c.name, c.severity.value, c.fix.value if c.fix else "", c.summary)
        for c in CATALOGUE.values()
    )
    return "# Diagnostic codes\n\n" + markdown_table(("Code", "Name", "Severity", "Fix", "Meaning"), rows)


def fields_page(fields: Iterable[Field] = FIELDS.values()) -> str:
    """Return the page of the fields, a table for each scope."""
    listed = list(fields)
    parts = [
        "# Fields\n\nWhat conditions can read. An unavailable fact is missing, and a comparison with it is unknown.\n"
    ]
    for scope, title in SCOPES.items():
        rows = [
            (f"`{f.name}`", str(f.datatype), field_range(f), f.description, f.source)
            for f in listed
            if f.scope is scope
        ]
        if rows:
            head = ("Field", "Type", "Values", "Description", "Source")
            parts.append(f"## {title}\n\n{markdown_table(head, rows)}")
    return "\n".join(parts)


def actions_page(actions: Iterable[Action] = ACTIONS) -> str:
    """Return the page of the actions, a section for each."""
    return "\n".join(["# Actions\n\nWhat rules can do.\n", *(_action_section(action) for action in actions)])


def _action_section(action: Action) -> str:
    sets = f" It sets `decision.{action.target}`." if is_directive(action) else ""
    rows = [(f"`{name}`", kind, default, text) for name, kind, default, text in parameter_rows(action)]
    head = ("Parameter", "Type", "Default", "Description")
    taken = markdown_table(head, rows) if rows else "It takes no parameters.\n"
    what = "A directive." if is_directive(action) else "An effect."
    return f"## {action.name}\n\n{action.summary} {what}{sets}\n\n{taken}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def pages() -> dict[str, str]:
    """Return every generated page by its path under ``docs/``."""
    codes, tables = "gpurules/diagnostics", "the registries"
    from gpurules.cli.reference.command_pages import commands_page  # loads every command
    from gpurules.cli.reference.support_matrix import matrix_page  # loads every back end

    made = {
        "cli.md": GENERATED.format(source="gpurules/cli/commands") + commands_page(),
        "backends.md": GENERATED.format(source="the back ends") + matrix_page(),
        "fields.md": GENERATED.format(source=tables) + fields_page(),
        "actions.md": GENERATED.format(source=tables) + actions_page(),
        "checks/README.md": GENERATED.format(source=codes) + codes_page(),
        **{f"checks/{code.code}.md": GENERATED.format(source=codes) + code_page(code) for code in CATALOGUE.values()},
    }
    return {name: wrap_prose(text) for name, text in made.items()}


def write_pages(directory: Path) -> None:
    """Write every generated page under *directory*, and remove the pages of codes that no longer exist."""
    made = pages()
    for stale in (directory / "checks").glob("*.md"):
        if f"checks/{stale.name}" not in made:
            stale.unlink()
    for name, text in made.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def tables_text() -> str:
    """Return the parse tables of the grammar in the checked-in form: a line for each state."""
    from gpurules.language.syntax.parser import made_tables  # loads Lark

    made = made_tables()
    lines = ",\n".join(dumps(state, ascii_only=True) for state in made.pop("states"))
    return f'{dumps(made, ascii_only=True)[:-1]}, "states": [\n{lines}\n]}}\n'


def check_codes_text() -> str:
    """Return the codes of the lint checks in the checked-in form: a copy of the metadata of each check."""
    from gpurules.linter.checks import CHECKS  # pages do not need the linter

    codes = sorted((check.about for check in CHECKS), key=lambda code: code.code)
    rows = ",\n".join(dumps({name: getattr(code, name) for name in _CODE_NAMES}) for code in codes)
    return f"[\n{rows}\n]\n"


_CODE_NAMES = tuple(field.name for field in dataclass_fields(Code))


def schema_text() -> str:
    """Return the JSON Schema of ruleset files in the checked-in form, without plug-ins."""
    from gpurules.rules.schema import ruleset_schema  # the pages of fields and actions need no rulesets

    return to_json(ruleset_schema(ACTIONS))
