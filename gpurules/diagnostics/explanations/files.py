"""Why a ruleset file, a rule or the parameters of an action can be wrong."""

from functools import partial

from gpurules.diagnostics.explanations.explanation import Explanation, Form

_rule, _file = partial(Explanation, form=Form.RULE), partial(Explanation, form=Form.FILE)
_words = partial(Explanation, form=Form.WORDS)
_HEAD = "version: 1\nname: example\n"
_RULES = "rules:\n  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}"


def _action(action: str) -> str:
    return f"- {{name: example, condition: gpu_memory > 90, {action}}}"


EXPLANATIONS = (
    _file(
        code="GPR001",
        avoid="version: 1\n\trules: []",
        prefer=f"{_HEAD}{_RULES}",
        why="The file is not YAML, so nothing in it can be read. The most frequent reason is a tab as indent, or a "
        "text with a colon and a space that wants quotes.",
    ),
    _rule(
        code="GPR002",
        avoid="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer\n  priority: 1\n  priority: 2",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer\n  priority: 2",
        why="YAML readers keep one of the two and drop the other without a word.",
    ),
    _rule(
        code="GPR006",
        avoid="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer\n  description: no",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer\n  description: 'no'",
        why="YAML 1.1 reads `no` as false, `1:30` as 90 and `010` as 8. Where a text is wanted, quotes say so; where a "
        "number is, it is written in decimal. Conditions and keys are taken as they are written and need neither.",
    ),
    _file(
        code="GPR008",
        avoid=f"""\
{_HEAD}x-base: &base {{condition: gpu_memory > 90, action: pause_transfer}}
rules:
  - {{<<: *base, name: example, condition: gpu_memory > 95}}""",
        prefer=f"""\
{_HEAD}x-base: &base {{action: pause_transfer, priority: 10}}
rules:
  - {{<<: *base, name: example, condition: gpu_memory > 95}}""",
        why="A rule that merges a condition or an action and overrides it reads as if both counted.",
    ),
    _words(
        code="GPR009",
        avoid="A file over 10 MiB, aliases that multiply, nesting over 200, a condition over 64 KiB.",
        prefer="Several files and `extends`; `define` for what repeats; `IN` for long rows of OR.",
        why="Rules are read on every node, and no file may take a node's memory or time, by accident or on purpose.",
    ),
    _words(
        code="GPR010",
        avoid="A file in Latin-1 or UTF-16, or one that was cut in the middle of a character.",
        prefer="UTF-8, with or without a byte order mark.",
        why="Bytes that are not UTF-8 mean something else on each machine.",
    ),
    _rule(
        code="GPR401",
        avoid="- name: example\n  filter: gpu_memory > 90\n  condition: gpu_memory > 90\n  action: pause_transfer",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer",
        why="A key that means nothing is a misspelt one, or one that another version knows; either way the rule "
        "does not do what it says. Keys that start with `x-` are yours.",
    ),
    _rule(
        code="GPR402",
        avoid="- name: example\n  condition: gpu_memory > 90",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer",
        why="Without this key the entry has no meaning.",
    ),
    _rule(
        code="GPR403",
        avoid="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer\n  priority: high",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer\n  priority: 50",
        why="The value is of another kind than the key takes; the message shows the form that it wants.",
    ),
    _file(
        code="GPR404",
        avoid=f"version: 99\nname: example\n{_RULES}",
        prefer=f"{_HEAD}{_RULES}",
        why="`version` is the version of the format. A file for a later one may hold what this program would misread.",
    ),
    _file(
        code="GPR405",
        avoid="kind: gpurules/test\nversion: 1\ncases: []",
        prefer=f"{_HEAD}{_RULES}",
        why="A test, a configuration or another tool's file was given where a ruleset is wanted.",
    ),
    _rule(
        code="GPR406",
        avoid="- {name: nobody, override: true, priority: 5}",
        prefer="- {name: somebody, condition: gpu_memory > 90, action: pause_transfer, priority: 5}",
        why="`override` and `remove` patch a rule of a base. If the base has no such rule, it was renamed or the "
        "name is misspelt, and the patch would do nothing.",
    ),
    _rule(
        code="GPR407",
        avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfer, enabled: false}",
        prefer="- name: example\n  description: off until the cooling is repaired\n  condition: gpu_memory > 90\n"
        "  action: pause_transfer\n  enabled: false",
        why="A rule that is switched off without a word stays off, because nobody dares to touch it.",
    ),
    _file(
        code="GPR408",
        avoid=f"{_HEAD}extends: [gpurules:termal]\n{_RULES}",
        prefer=f"{_HEAD}extends: [gpurules:thermal]\n{_RULES}",
        why="The base cannot be found, so its rules are not in force. Paths are relative to the file; "
        "`gpurules:NAME` is a shipped ruleset (`gpurules rulesets`).",
    ),
    _file(
        code="GPR409",
        avoid=f"{_HEAD}extends: [{{from: 'gpurules:thermal', with: {{limmit: 83C}}}}]\n{_RULES}",
        prefer=f"{_HEAD}extends: [{{from: 'gpurules:thermal', with: {{}}}}]\n{_RULES}",
        why="`with` sets inputs that the base declares under `inputs`. One that it does not declare, or of another "
        "type, would change nothing.",
    ),
    _rule(
        code="GPR410",
        avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfer, actions: [{action: log}]}",
        prefer="- name: example\n  condition: gpu_memory > 90\n  actions: [{action: pause_transfer}, "
        "{action: log, parameters: {message: full}}]",
        why="`action` is short for `actions` with one entry; with both it is open which counts.",
    ),
    _words(
        code="GPR411",
        avoid="A file whose bases, or their bases, extend it in turn.",
        prefer="A base that extends nothing that stands on it.",
        why="Each file is merged over its bases, so a circle has no beginning.",
    ),
    _rule(
        code="GPR501",
        avoid=_action("action: pause_transfers"),
        prefer=_action("action: pause_transfer"),
        why="An action that nobody knows does nothing. `gpurules actions` lists those that are installed, plug-ins "
        "included.",
    ),
    _rule(
        code="GPR502",
        avoid=_action("action: reduce_prefetch, parameters: {reduction_facter: 0.5}"),
        prefer=_action("action: reduce_prefetch, parameters: {reduction_factor: 0.5}"),
        why="A parameter that the action does not have is a misspelt one, and its default would be in force instead.",
    ),
    _rule(
        code="GPR503",
        avoid=_action("action: reduce_prefetch"),
        prefer=_action("action: reduce_prefetch, parameters: {reduction_factor: 0.5}"),
        why="The action has no sensible default for this parameter.",
    ),
    _rule(
        code="GPR504",
        avoid=_action("action: reduce_prefetch, parameters: {reduction_factor: 5}"),
        prefer=_action("action: reduce_prefetch, parameters: {reduction_factor: 0.5}"),
        why="The value is outside what the action can do.",
    ),
    _rule(
        code="GPR505",
        avoid=_action("action: delay_transfer, parameters: {delay: 30s, delay_seconds: 60}"),
        prefer=_action("action: delay_transfer, parameters: {delay: 30s}"),
        why="Each parameter is fine alone, together they contradict each other.",
    ),
    _rule(
        code="GPR506",
        avoid=_action("action: reduce_prefetch, parameters: {reduction_factor: 1.0}"),
        prefer=_action("action: reduce_prefetch, parameters: {reduction_factor: 0.5}"),
        why="With these values the action changes nothing. The reduction factor is what is left: 0.3 keeps 30 %.",
    ),
    _words(
        code="GPR507",
        avoid="An action that cannot be taken back, on a condition that may hold for a moment.",
        prefer="The same with `for`, `cooldown`, or `mode: shadow` for the first days.",
        why="One bad reading is enough to start it. No built-in action is irreversible; plug-ins may declare that "
        "theirs is.",
    ),
    _words(
        code="GPR508",
        avoid="A plug-in action that declares no parameters.",
        prefer="A `schema` in its registration, if only an empty one.",
        why="Without a schema its parameters cannot be checked when the rules load, so a misspelt one goes unnoticed.",
    ),
    _rule(
        code="GPR509",
        avoid=_action("action: log, parameters: {message: 'memory at {gpu_memroy}'}"),
        prefer=_action("action: log, parameters: {message: 'memory at {gpu_memory}'}"),
        why="A placeholder that names no field, signal, definition or input would print nothing, which is found out "
        "when the message is needed. Templates of other systems (`{{ $value }}`, `%s`) and a brace that is never "
        "closed are printed as they stand.",
    ),
)
