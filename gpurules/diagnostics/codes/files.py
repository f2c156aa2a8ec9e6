"""Codes of files: YAML, keys, values, overlays, actions and their parameters."""

from gpurules.diagnostics.code import Code, Fix, Form, Severity

CODES = (
    Code(
        code="GPR001",
        name="yaml-invalid",
        severity=Severity.ERROR,
        kind="yaml",
        summary="the file is not YAML",
        form=Form.FILE,
        avoid="version: 1\n\trules: []",
        prefer="""\
version: 1
name: example
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        why="The file is not YAML, so nothing in it can be read. The most frequent reason is a tab as indent, "
        "or a text with a colon and a space that wants quotes.",
    ),
    Code(
        code="GPR002",
        name="duplicate-key",
        severity=Severity.ERROR,
        kind="duplicate",
        summary="a mapping key occurs twice",
        form=Form.RULE,
        avoid="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer
  priority: 1
  priority: 2""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer
  priority: 2""",
        why="YAML readers keep one of the two and drop the other without a word.",
    ),
    Code(
        code="GPR006",
        name="yaml-implicit-type",
        severity=Severity.WARNING,
        kind="yaml-type",
        summary="a scalar that YAML 1.1 reads as something else than the text wanted here",
        fix=Fix.SAFE,
        form=Form.RULE,
        avoid="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer
  description: no""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer
  description: 'no'""",
        why="YAML 1.1 reads `no` as false, `1:30` as 90 and `010` as 8. Where a text is wanted, quotes say "
        "so; where a number is, it is written in decimal. Conditions and keys are taken as they are "
        "written and need neither.",
    ),
    Code(
        code="GPR008",
        name="anchor-merge-hides-key",
        severity=Severity.WARNING,
        kind="merge",
        summary="a merge key is overridden for a condition or an action",
        form=Form.FILE,
        avoid="""\
version: 1
name: example
x-base: &base {condition: gpu_memory > 90, action: pause_transfer}
rules:
  - {<<: *base, name: example, condition: gpu_memory > 95}""",
        prefer="""\
version: 1
name: example
x-base: &base {action: pause_transfer, priority: 10}
rules:
  - {<<: *base, name: example, condition: gpu_memory > 95}""",
        why="A rule that merges a condition or an action and overrides it reads as if both counted.",
    ),
    Code(
        code="GPR009",
        name="limit-exceeded",
        severity=Severity.ERROR,
        kind="limit",
        summary="a limit on size, depth, aliases or numbers is exceeded",
        form=Form.WORDS,
        avoid="A file over 10 MiB, aliases that multiply, nesting over 200, a condition over 64 KiB.",
        prefer="Several files and `extends`; `define` for what repeats; `IN` for long rows of OR.",
        why="Rules are read on every node, and no file may take a node's memory or time, by accident or on purpose.",
    ),
    Code(
        code="GPR010",
        name="not-utf8",
        severity=Severity.ERROR,
        kind="encoding",
        summary="the file is not UTF-8",
        form=Form.WORDS,
        avoid="A file in Latin-1 or UTF-16, or one that was cut in the middle of a character.",
        prefer="UTF-8, with or without a byte order mark.",
        why="Bytes that are not UTF-8 mean something else on each machine.",
    ),
    Code(
        code="GPR401",
        name="unknown-key",
        severity=Severity.ERROR,
        kind="unknown-key",
        summary="a key that means nothing here",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="""\
- name: example
  filter: gpu_memory > 90
  condition: gpu_memory > 90
  action: pause_transfer""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer""",
        why="A key that means nothing is a misspelt one, or one that another version knows; either way the "
        "rule does not do what it says. Keys that start with `x-` are yours.",
    ),
    Code(
        code="GPR402",
        name="missing-key",
        severity=Severity.ERROR,
        kind="missing-key",
        summary="a required key is absent",
        form=Form.RULE,
        avoid="""\
- name: example
  condition: gpu_memory > 90""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer""",
        why="Without this key the entry has no meaning.",
    ),
    Code(
        code="GPR403",
        name="wrong-value-type",
        severity=Severity.ERROR,
        kind="type",
        summary="a value of the wrong kind",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer
  priority: high""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer
  priority: 50""",
        why="The value is of another kind than the key takes; the message shows the form that it wants.",
    ),
    Code(
        code="GPR404",
        name="format-version",
        severity=Severity.ERROR,
        kind="type",
        summary="a version of the format that is not known here",
        fix=Fix.UNSAFE,
        form=Form.FILE,
        avoid="""\
version: 99
name: example
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        why="`version` is the version of the format. A file for a later one may hold what this program would misread.",
    ),
    Code(
        code="GPR405",
        name="wrong-document-kind",
        severity=Severity.ERROR,
        kind="type",
        summary="a document that is not a ruleset",
        form=Form.FILE,
        avoid="""\
kind: gpurules/test
version: 1
cases: []""",
        prefer="""\
version: 1
name: example
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        why="A test, a configuration or another tool's file was given where a ruleset is wanted.",
    ),
    Code(
        code="GPR406",
        name="overlay-target-missing",
        severity=Severity.ERROR,
        kind="override",
        summary="a patch of a rule that no base has",
        form=Form.RULE,
        avoid="- {name: nobody, override: true, priority: 5}",
        prefer="- {name: somebody, condition: gpu_memory > 90, action: pause_transfer, priority: 5}",
        why="`override` and `remove` patch a rule of a base. If the base has no such rule, it was renamed or "
        "the name is misspelt, and the patch would do nothing.",
    ),
    Code(
        code="GPR408",
        name="base-not-found",
        severity=Severity.ERROR,
        kind="extends",
        summary="extends names a file or ruleset that cannot be read",
        fix=Fix.UNSAFE,
        form=Form.FILE,
        avoid="""\
version: 1
name: example
extends: [gpurules:termal]
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
extends: [gpurules:thermal]
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        why="The base cannot be found, so its rules are not in force. Paths are relative to the file; "
        "`gpurules:NAME` is a shipped ruleset (`gpurules rulesets`).",
    ),
    Code(
        code="GPR409",
        name="unknown-input",
        severity=Severity.ERROR,
        kind="parameter",
        summary="with sets an input that the base does not declare, or of the wrong type",
        fix=Fix.UNSAFE,
        form=Form.FILE,
        avoid="""\
version: 1
name: example
extends: [{from: 'gpurules:thermal', with: {limmit: 83C}}]
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
extends: [{from: 'gpurules:thermal', with: {}}]
rules:
  - {name: pause, condition: gpu_memory > 90, action: pause_transfer}""",
        why="`with` sets inputs that the base declares under `inputs`. One that it does not declare, or of "
        "another type, would change nothing.",
    ),
    Code(
        code="GPR410",
        name="action-and-actions",
        severity=Severity.ERROR,
        kind="duplicate",
        summary="a rule has both action and actions",
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfer, actions: [{action: log}]}",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  actions: [{action: pause_transfer}, {action: log, parameters: {message: full}}]""",
        why="`action` is short for `actions` with one entry; with both it is open which counts.",
    ),
    Code(
        code="GPR411",
        name="extends-cycle",
        severity=Severity.ERROR,
        kind="extends",
        summary="a file extends itself through others",
        form=Form.WORDS,
        avoid="A file whose bases, or their bases, extend it in turn.",
        prefer="A base that extends nothing that stands on it.",
        why="Each file is merged over its bases, so a circle has no beginning.",
    ),
    Code(
        code="GPR501",
        name="unknown-action",
        severity=Severity.ERROR,
        kind="unknown-action",
        summary="no action has this name",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfers}",
        prefer="- {name: example, condition: gpu_memory > 90, action: pause_transfer}",
        why="An action that nobody knows does nothing. `gpurules actions` lists those that are installed, "
        "plug-ins included.",
    ),
    Code(
        code="GPR502",
        name="unknown-parameter",
        severity=Severity.ERROR,
        kind="parameter",
        summary="the action has no parameter of this name",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_facter: 0.5}}",
        prefer="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_factor: 0.5}}",
        why="A parameter that the action does not have is a misspelt one, and its default would be in force instead.",
    ),
    Code(
        code="GPR503",
        name="missing-parameter",
        severity=Severity.ERROR,
        kind="parameter",
        summary="a required parameter is absent",
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch}",
        prefer="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_factor: 0.5}}",
        why="The action has no sensible default for this parameter.",
    ),
    Code(
        code="GPR504",
        name="parameter-out-of-range",
        severity=Severity.ERROR,
        kind="parameter",
        summary="a parameter outside its range",
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_factor: 5}}",
        prefer="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_factor: 0.5}}",
        why="The value is outside what the action can do.",
    ),
    Code(
        code="GPR505",
        name="parameter-conflict",
        severity=Severity.ERROR,
        kind="parameter",
        summary="parameters that exclude each other",
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: delay_transfer, parameters: {delay: 30s, "
        "delay_seconds: 60}}",
        prefer="- {name: example, condition: gpu_memory > 90, action: delay_transfer, parameters: {delay: 30s}}",
        why="Each parameter is fine alone, together they contradict each other.",
    ),
    Code(
        code="GPR506",
        name="no-op-parameters",
        severity=Severity.WARNING,
        kind="no-op",
        summary="parameters that make the action do nothing",
        fix=Fix.SAFE,
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_factor: 1.0}}",
        prefer="- {name: example, condition: gpu_memory > 90, action: reduce_prefetch, parameters: "
        "{reduction_factor: 0.5}}",
        why="With these values the action changes nothing. The reduction factor is what is left: 0.3 keeps 30 %.",
    ),
    Code(
        code="GPR509",
        name="template-unknown-name",
        severity=Severity.ERROR,
        kind="parameter",
        summary="a placeholder of a message that names nothing",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: log, parameters: {message: 'memory at "
        "{gpu_memroy}'}}",
        prefer="- {name: example, condition: gpu_memory > 90, action: log, parameters: {message: 'memory at "
        "{gpu_memory}'}}",
        why="A placeholder that names no field, signal, definition or input would print nothing, which is "
        "found out when the message is needed. Templates of other systems (`{{ $value }}`, `%s`) and a "
        "brace that is never closed are printed as they stand.",
    ),
)
