"""Codes of timers, tests, suppressions, baselines and configuration."""

from gpurules.diagnostics.code import Code, Fix, Form, Need, Severity

CODES = (
    Code(
        code="GPR801",
        name="rule-untested",
        severity=Severity.WARNING,
        kind="test",
        summary="no test makes the rule match",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="A rule in a ruleset that has tests, none of which makes the rule match.",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: match}]` in a case with a hot GPU.",
        why="A rule that has never matched anywhere may never match at all. The tests of the project are run to find "
        "out; a ruleset that no test names is skipped.",
    ),
    Code(
        code="GPR802",
        name="no-negative-test",
        severity=Severity.WARNING,
        kind="test",
        summary="no test in which the rule does not match",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="A rule that matches in every test.",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: no-match}]` in a case with a cool GPU.",
        why="A condition that is always true would pass such tests too.",
    ),
    Code(
        code="GPR803",
        name="boundary-untested",
        severity=Severity.INFO,
        kind="test",
        summary="no test at a threshold and on both sides of it",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="Tests of `gpu_temperature > 85` with 60 and 95 degrees.",
        prefer="A table with 84, 85 and 86 degrees.",
        why="`> 85` and `>= 85` differ only at 85, and a threshold that is off by one shows only there.",
    ),
    Code(
        code="GPR804",
        name="unknown-path-untested",
        severity=Severity.INFO,
        kind="test",
        summary="no test in which a compared fact is missing",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="Tests in which the temperature is always known.",
        prefer="A row with `_` for the temperature, and `unknown` expected.",
        why="Telemetry goes missing when something is wrong, and that is when the rule has to do what was meant.",
    ),
    Code(
        code="GPR806",
        name="test-cannot-fail",
        severity=Severity.WARNING,
        kind="test",
        summary="an expectation that holds for any ruleset",
        form=Form.WORDS,
        avoid="`expect: [{rule: hold_hot_gpu}]`",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: match}]`",
        why="A test that no ruleset can fail gives false confidence.",
    ),
    Code(
        code="GPR807",
        name="duplicate-test-name",
        severity=Severity.ERROR,
        kind="duplicate",
        summary="two tests of a file have one name",
        form=Form.WORDS,
        avoid="Two cases of a test file with `name: hot`.",
        prefer="`name: hot, of one GPU` and `name: hot, of all GPUs`.",
        why="A report identifies a failed test by its name; if two tests share a name, it is ambiguous.",
    ),
    Code(
        code="GPR808",
        name="test-names-missing-rule",
        severity=Severity.ERROR,
        kind="unknown-name",
        summary="a test names a rule that the ruleset does not have",
        fix=Fix.UNSAFE,
        form=Form.WORDS,
        avoid="`expect: {rule: hold_hot_gpu, outcome: match}` after the rule was renamed.",
        prefer="The current name of the rule; the nearest name is suggested.",
        why="A test of a rule that no longer exists tests nothing, and the rule that replaced it has no test.",
    ),
    Code(
        code="GPR901",
        name="unused-suppression",
        severity=Severity.WARNING,
        kind="suppression",
        summary="a suppression that suppresses nothing",
        fix=Fix.SAFE,
        form=Form.RULE,
        avoid="""\
- name: example
  condition: gpu_memory > 90  # gpurules: ignore[GPR105] reason="bytes are meant"
  action: pause_transfer""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer""",
        why="The suppressed finding has been fixed, or the suppression is in the wrong place. If it stays, it hides "
        "the next mistake of that kind.",
    ),
    Code(
        code="GPR902",
        name="expired-suppression",
        severity=Severity.ERROR,
        kind="suppression",
        summary="a suppression whose `until` has passed",
        form=Form.RULE,
        avoid="""\
- name: example
  condition: file_type == "x"  # gpurules: ignore[GPR107] reason="until the new type is there" until=soon
  action: pause_transfer""",
        prefer="""\
- name: example
  condition: file_type == "x"  # gpurules: ignore[GPR107] reason="a type of ours" until=2999-01-31
  action: pause_transfer""",
        why="The author meant the finding to be fixed by that day. The finding itself is shown again too. A date is "
        "written as in `until=2027-01-31`, and includes that day.",
    ),
    Code(
        code="GPR903",
        name="suppression-without-reason",
        severity=Severity.WARNING,
        kind="suppression",
        summary="a suppression that does not say why",
        form=Form.RULE,
        avoid="""\
- name: example
  condition: file_type == "x"  # gpurules: ignore[GPR107]
  action: pause_transfer""",
        prefer="""\
- name: example
  condition: file_type == "x"  # gpurules: ignore[GPR107] reason="a type of ours"
  action: pause_transfer""",
        why="Without a reason no one dares to remove it. It still suppresses the finding.",
    ),
    Code(
        code="GPR904",
        name="unknown-code",
        severity=Severity.ERROR,
        kind="suppression",
        summary="a selector that matches no code",
        fix=Fix.UNSAFE,
        form=Form.RULE,
        avoid="""\
- name: example
  condition: gpu_memory > 90  # gpurules: ignore[GPR1O5] reason="bytes"
  action: pause_transfer""",
        prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer""",
        why="A code that does not exist suppresses nothing. Codes (`GPR601`), code prefixes (`GPR6`) and names "
        "(`flapping-risk`) are accepted.",
    ),
    Code(
        code="GPR905",
        name="baseline-stale",
        severity=Severity.WARNING,
        kind="baseline",
        summary="an entry of the baseline that no longer occurs",
        fix=Fix.SAFE,
        form=Form.WORDS,
        avoid="An entry in the baseline for a finding that has been fixed.",
        prefer="`gpurules lint --baseline FILE --update-baseline` after each fix.",
        why="A baseline lists what is left to fix. A stale entry would hide the same mistake if it returns.",
    ),
    Code(
        code="GPR906",
        name="config-unknown-key",
        severity=Severity.ERROR,
        kind="unknown-key",
        summary="an unknown key in the configuration",
        fix=Fix.UNSAFE,
        form=Form.WORDS,
        avoid='`slect = ["GPR7"]` in `gpurules.toml`.',
        prefer='`select = ["GPR7"]`. `gpurules config` lists the keys.',
        why="An unknown key is usually a misspelled one, so the setting that it was meant for is not in effect.",
    ),
)
