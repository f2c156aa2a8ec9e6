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
        avoid="A rule of a ruleset that has tests, of which none makes the rule match.",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: match}]` in a case with a hot GPU.",
        why="What has never matched anywhere may never match at all. The tests of the project are run to find "
        "out; a ruleset that no test names is left alone.",
    ),
    Code(
        code="GPR802",
        name="no-negative-test",
        severity=Severity.WARNING,
        kind="test",
        summary="no test makes the rule stay quiet",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="A rule that matches in every test.",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: no-match}]` in a case with a cool GPU.",
        why="A condition that is always true passes such tests too.",
    ),
    Code(
        code="GPR803",
        name="boundary-untested",
        severity=Severity.INFO,
        kind="test",
        summary="no test at a threshold and on both of its sides",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="Tests of `gpu_temperature > 85` with 60 and 95 degrees.",
        prefer="A table with 84, 85 and 86 degrees.",
        why="`>` and `>=` differ at 85 alone, and so does a threshold that someone moved by one.",
    ),
    Code(
        code="GPR804",
        name="unknown-path-untested",
        severity=Severity.INFO,
        kind="test",
        summary="no test in which what is compared is missing",
        needs=Need.TESTS,
        form=Form.WORDS,
        avoid="Tests in which the temperature is always known.",
        prefer="A row with `_` for the temperature, and `unknown` expected.",
        why="Telemetry goes missing on bad days, and then the rule has to do what was meant.",
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
        why="A test that no ruleset can fail gives trust that nothing stands behind.",
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
        why="A report names the test that failed; with two of one name it is open which.",
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
        prefer="The name that the rule has now; the nearest one is offered.",
        why="A test of a rule that is gone tests nothing, and the rule that took its place has no test.",
    ),
    Code(
        code="GPR901",
        name="unused-suppression",
        severity=Severity.WARNING,
        kind="suppression",
        summary="a suppression that silences nothing",
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
        why="What it silenced has been mended, or it stands in the wrong place. Left where it is, it would "
        "hide the next mistake of that kind.",
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
        why="Whoever wrote it meant it to be mended by that day. The finding is shown again too. A day is "
        "written as in `until=2027-01-31`, and counts to its end.",
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
        why="Without a reason nobody dares to remove it. It silences all the same.",
    ),
    Code(
        code="GPR904",
        name="unknown-code",
        severity=Severity.ERROR,
        kind="suppression",
        summary="a selector that names no code",
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
        why="A code that does not exist silences nothing. Codes (`GPR601`), their beginnings (`GPR6`) and "
        "names (`flapping-risk`) can be written.",
    ),
    Code(
        code="GPR905",
        name="baseline-stale",
        severity=Severity.WARNING,
        kind="baseline",
        summary="an entry of the baseline that no longer occurs",
        fix=Fix.SAFE,
        form=Form.WORDS,
        avoid="An entry in the baseline for a finding that has been mended.",
        prefer="`gpurules lint --baseline FILE --update-baseline` after each repair.",
        why="A baseline is a list of what is left to do. A stale entry would let the same mistake in again.",
    ),
    Code(
        code="GPR906",
        name="config-unknown-key",
        severity=Severity.ERROR,
        kind="unknown-key",
        summary="a key of the configuration that means nothing",
        fix=Fix.UNSAFE,
        form=Form.WORDS,
        avoid='`slect = ["GPR7"]` in `gpurules.toml`.',
        prefer='`select = ["GPR7"]`. The keys are those of `gpurules config`.',
        why="A key that means nothing is a misspelt one, so what it was to set is not in force.",
    ),
)
