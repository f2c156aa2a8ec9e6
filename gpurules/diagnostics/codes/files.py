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
        why="The file is not valid YAML, so nothing in it can be read. The most frequent causes are a tab used for "
        "indentation, and an unquoted text that contains a colon and a space.",
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
        why="YAML readers silently keep one of the two and drop the other.",
    ),
    Code(
        code="GPR006",
        name="yaml-implicit-type",
        severity=Severity.WARNING,
        kind="yaml-type",
        summary="a scalar that YAML 1.1 reads as something other than the expected text",
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
        why="YAML 1.1 reads `no` as false, `1:30` as 90 and `010` as 8. If a text is expected, use quotes; if a "
        "number is, write it in decimal. Conditions and keys are taken literally and need neither.",
    ),
    Code(
        code="GPR008",
        name="anchor-merge-hides-key",
        severity=Severity.WARNING,
        kind="merge",
        summary="a merge key supplies a condition or an action that is overridden",
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
        why="A rule that merges a condition or an action and overrides it reads as if both applied.",
    ),
    Code(
        code="GPR009",
        name="limit-exceeded",
        severity=Severity.ERROR,
        kind="limit",
        summary="a limit on size, depth, aliases or numbers is exceeded",
        form=Form.WORDS,
        avoid="A file over 10 MiB, aliases that multiply, nesting over 200, a condition over 64 KiB.",
        prefer="Several files and `extends`; `define` for repeated parts; `IN` for long chains of OR.",
        why="Rules are read on every node, and no file may exhaust a node's memory or time, by accident or on purpose.",
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
        why="Bytes that are not UTF-8 are decoded differently on each machine.",
    ),
    Code(
        code="GPR401",
        name="unknown-key",
        severity=Severity.ERROR,
        kind="unknown-key",
        summary="an unknown key",
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
        why="An unknown key is a misspelled one, or belongs to another version; either way the rule does not do what "
        "it says. Keys that start with `x-` are ignored and free for your own use.",
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
        why="Without this key the entry is incomplete.",
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
        why="The key expects a different kind of value; the message shows the expected form.",
    ),
    Code(
        code="GPR404",
        name="format-version",
        severity=Severity.ERROR,
        kind="type",
        summary="an unknown version of the format",
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
        why="`version` is the version of the format. A file with a later version may contain something that this "
        "version of gpurules would misread.",
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
        why="A test, a configuration or another tool's file was given where a ruleset is expected.",
    ),
    Code(
        code="GPR406",
        name="overlay-target-missing",
        severity=Severity.ERROR,
        kind="override",
        summary="a patch of a rule that no base has",
        form=Form.RULE,
        avoid="- {name: hold_hot, override: true, priority: 5}",
        prefer="- {name: hold_hot, condition: gpu_memory > 90, action: pause_transfer, priority: 5}",
        why="`override` and `remove` patch a rule of a base. If the base has no such rule, it was renamed or the name "
        "is misspelled, and the patch would do nothing.",
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
        why="The base cannot be found, so its rules are not in force. Paths are relative to the file; `gpurules:NAME` "
        "is a shipped ruleset (`gpurules rulesets`).",
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
        why="`with` sets inputs that the base declares under `inputs`. An undeclared input, or a value of another "
        "type, would have no effect.",
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
        why="`action` is short for `actions` with one entry; with both it is ambiguous which applies.",
    ),
    Code(
        code="GPR411",
        name="extends-cycle",
        severity=Severity.ERROR,
        kind="extends",
        summary="a file extends itself through others",
        form=Form.WORDS,
        avoid="A file whose bases, or their bases, extend it in turn.",
        prefer="A base that does not extend anything that builds on it.",
        why="Each file is merged over its bases, so a cycle has no starting point.",
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
        why="An unknown action does nothing. `gpurules actions` lists the installed ones, including plug-ins.",
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
        why="An unknown parameter is a misspelled one, and the default of the intended one would apply instead.",
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
        why="The value is outside the range that the action supports.",
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
        why="Each parameter is valid on its own, but together they contradict each other.",
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
        why="With these values the action has no effect. The reduction factor is what remains: 0.3 keeps 30 %.",
    ),
    Code(
        code="GPR509",
        name="template-unknown-name",
        severity=Severity.ERROR,
        kind="parameter",
        summary="a message placeholder with an unknown name",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="- {name: example, condition: gpu_memory > 90, action: log, parameters: {message: 'memory at "
        "{gpu_memroy}'}}",
        prefer="- {name: example, condition: gpu_memory > 90, action: log, parameters: {message: 'memory at "
        "{gpu_memory}'}}",
        why="A placeholder that names no field, signal, definition or input would print nothing, which is discovered "
        "only when the message is needed. Templates of other systems (`{{ $value }}`, `%s`) and unclosed braces are "
        "printed literally.",
    ),
)
