"""Why rules that load can still be unwise: time and stability, style, suppressions and configuration."""

from functools import partial

from gpurules.diagnostics.explanations.explanation import Explanation, Form

_condition = partial(Explanation, form=Form.CONDITION)
_rule = partial(Explanation, form=Form.RULE)
_file = partial(Explanation, form=Form.FILE)
_words = partial(Explanation, form=Form.WORDS)

_HOOK = "action: webhook\n  parameters: {url: 'https://example.org/hook'}"
_HEAD = "version: 1\nname: example\n"
_RULES = "rules:\n  - {name: hold, condition: full, action: pause_transfer}"


def _three(first: str, second: str, third: str) -> str:
    """Return three rules with these conditions."""
    return "\n".join(
        f"- {{name: {name}, condition: {condition}, action: pause_transfer, priority: {priority}}}"
        for priority, (name, condition) in enumerate((("one", first), ("two", second), ("three", third)))
    )


EXPLANATIONS = (
    _rule(
        code="GPR601",
        avoid=f"- name: example\n  condition: gpu_temperature > 85\n  {_HOOK}",
        prefer=f"- name: example\n  condition: gpu_temperature > 85\n  for: 30s\n"
        f"  until: gpu_temperature < 80\n  {_HOOK}",
        why="An effect is started on the edge. A reading that wobbles around the threshold crosses it at every poll, "
        "and each crossing calls someone. `for`, `until`, `keep_for` and `cooldown` damp it; so does a named signal "
        "that has them, or a window such as `avg_over_time(gpu_temperature[1m])`. An `until` that is proved to hold as "
        "soon as the condition does not damps nothing. The action `log` is exempt.",
    ),
    _file(
        code="GPR603",
        avoid=f"{_HEAD}signals:\n  full: {{condition: gpu_memory > 80, until: gpu_memory <= 80}}\n{_RULES}",
        prefer=f"{_HEAD}signals:\n  full: {{condition: gpu_memory > 80, until: gpu_memory < 75}}\n{_RULES}",
        why="An `until` that is the condition turned round ends the signal where it would have ended anyway. It looks "
        "like hysteresis and is none: leave a gap between the two thresholds. That nothing is between them is proved, "
        "however the two are spelt; `> 80` and `< 80` of a measured real share no more than the number itself, and are "
        "told too. The fix moves a plain threshold away, by 5 points of percent or degrees, or by 5 percent of it.",
    ),
    _rule(
        code="GPR604",
        avoid="- {name: example, condition: pending_transfers > 20, action: pause_transfer}",
        prefer="- {name: example, condition: pending_transfers > 20, until: pending_transfers < 5, "
        "action: pause_transfer}",
        why="The action changes the reading that its own condition looks at, so the rule switches itself on and off, "
        "or never off. With `until`, `for` or `keep_for` the loop is at least slow.",
    ),
    _file(
        code="GPR605",
        avoid=f"{_HEAD}settings: {{poll_interval: 5s}}\n"
        f"signals:\n  full: {{condition: gpu_memory > 80, for: 5s}}\n{_RULES}",
        prefer=f"{_HEAD}settings: {{poll_interval: 5s}}\n"
        f"signals:\n  full: {{condition: gpu_memory > 80, for: 10s}}\n{_RULES}",
        why="Between two polls nothing is known. A `for` that is shorter than two of them is filled by one reading and "
        "the next, which is hardly a duration.",
    ),
    _file(
        code="GPR606",
        avoid=f"{_HEAD}settings: {{stale_after: 10m}}\n"
        f"signals:\n  full: {{condition: gpu_memory > 80, for: 30s}}\n{_RULES}",
        prefer=f"{_HEAD}settings: {{stale_after: 30s}}\n"
        f"signals:\n  full: {{condition: gpu_memory > 80, for: 30s}}\n{_RULES}",
        why="A signal that takes 30 s of readings to start would be kept by readings that are ten minutes old. Who "
        "watches that closely should not believe old data for that long.",
    ),
    _words(
        code="GPR607",
        avoid="`gpu_utilization > 50` alone, and `gpurules lint --history node.jsonl` with a recording of bursts.",
        prefer="The same with `for: 30s` and `until: gpu_utilization < 30`.",
        why="Over the recording the rule changed between TRUE and FALSE more than 12 times an hour, its timers "
        "included: what it orders is taken back before it works. Less than an hour counts as one. Snapshots in which "
        "it is UNKNOWN are no change.",
    ),
    _rule(
        code="GPR701",
        avoid="- {name: Hold Hot GPUs, condition: gpu_memory > 90, action: pause_transfer}",
        prefer="- {name: hold_hot_gpus, condition: gpu_memory > 90, action: pause_transfer}",
        why="Any name of up to 100 printable characters is legal. Names in lower case with `_` or `-` can be typed "
        "into commands, and go into metrics and dashboards as they are.",
    ),
    _condition(
        code="GPR702",
        avoid="80 < gpu_memory",
        prefer="gpu_memory > 80",
        why="What is compared is read before what it is compared with, and alike conditions look alike. Chains such as "
        "`60 < gpu_memory < 90` are fine.",
    ),
    _condition(
        code="GPR703",
        avoid="gpu_memory > 90 AND gpu_power > 300W AND gpu_temperature > 80 AND gpu_utilization > 50\n"
        "AND gpu_count > 1 AND transfer_size > 1GiB AND gpu_throttled AND active_training AND file_type == 'model'",
        prefer="gpu_memory > 90 AND gpu_power > 300W AND gpu_temperature > 80 AND file_type == 'model'",
        why="Parts with a name, under `define`, say what they are for, and can be explained and tested on their own.",
    ),
    _rule(
        code="GPR704",
        avoid="-   name: example\n    condition: gpu_memory>80   and   gpu_throttled\n    action: pause_transfer",
        prefer="- name: example\n  condition: gpu_memory > 80 AND gpu_throttled\n  action: pause_transfer",
        why="With one layout for all files a difference shows what was changed, and nothing else. `gpurules fmt` makes "
        "it; the meaning stays the same.",
    ),
    _rule(
        code="GPR705",
        avoid="- action: pause_transfer\n  name: example\n  condition: gpu_memory > 90",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer",
        why="What stands in one place in every rule is found without searching.",
    ),
    _rule(
        code="GPR706",
        avoid=_three("gpu_memory > 80 AND active_training", "gpu_memory > 80 AND gpu_throttled", "gpu_memory > 80"),
        prefer=_three("gpu_memory > 80 AND active_training", "gpu_memory > 90 AND gpu_throttled", "gpu_memory > 95"),
        why="Whoever changes one of the copies has to find the others. A name under `define` has one place.",
    ),
    _rule(
        code="GPR707",
        avoid=_three("gpu_memory > 80", "gpu_memory <= 80", "gpu_memory >= 80"),
        prefer=_three("gpu_memory > 80", "gpu_memory <= 70", "gpu_temperature >= 90"),
        why="A number that is written many times is one that is changed in all places but one. As an input it has a "
        "name, a description, and can be set from outside.",
    ),
    _words(
        code="GPR801",
        avoid="A rule of a ruleset that has tests, of which none makes the rule match.",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: match}]` in a case with a hot GPU.",
        why="What has never matched anywhere may never match at all. The tests of the project are run to find out; "
        "a ruleset that no test names is left alone.",
    ),
    _words(
        code="GPR802",
        avoid="A rule that matches in every test.",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: no-match}]` in a case with a cool GPU.",
        why="A condition that is always true passes such tests too.",
    ),
    _words(
        code="GPR803",
        avoid="Tests of `gpu_temperature > 85` with 60 and 95 degrees.",
        prefer="A table with 84, 85 and 86 degrees.",
        why="`>` and `>=` differ at 85 alone, and so does a threshold that someone moved by one.",
    ),
    _words(
        code="GPR804",
        avoid="Tests in which the temperature is always known.",
        prefer="A row with `_` for the temperature, and `unknown` expected.",
        why="Telemetry goes missing on bad days, and then the rule has to do what was meant.",
    ),
    _rule(
        code="GPR805",
        avoid="- {name: example, condition: gpu_memory > 90, action: pause_transfer}",
        prefer="- {name: example, description: keep room for the optimizer, condition: gpu_memory > 90, "
        "action: pause_transfer}",
        why="Whoever is called at night has to know whether the rule is right, and whom to ask. An annotation "
        "`owner` or `runbook` does as well.",
    ),
    _words(
        code="GPR806",
        avoid="`expect: [{rule: hold_hot_gpu}]`",
        prefer="`expect: [{rule: hold_hot_gpu, outcome: match}]`",
        why="A test that no ruleset can fail gives trust that nothing stands behind.",
    ),
    _words(
        code="GPR807",
        avoid="Two cases of a test file with `name: hot`.",
        prefer="`name: hot, of one GPU` and `name: hot, of all GPUs`.",
        why="A report names the test that failed; with two of one name it is open which.",
    ),
    _words(
        code="GPR808",
        avoid="`expect: {rule: hold_hot_gpu, outcome: match}` after the rule was renamed.",
        prefer="The name that the rule has now; the nearest one is offered.",
        why="A test of a rule that is gone tests nothing, and the rule that took its place has no test.",
    ),
    _rule(
        code="GPR901",
        avoid='- name: example\n  condition: gpu_memory > 90  # gpurules: ignore[GPR105] reason="bytes are meant"\n'
        "  action: pause_transfer",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer",
        why="What it silenced has been mended, or it stands in the wrong place. Left where it is, it would hide the "
        "next mistake of that kind.",
    ),
    _rule(
        code="GPR902",
        avoid="- name: example\n"
        '  condition: file_type == "x"  # gpurules: ignore[GPR107] reason="until the new type is there" until=soon\n'
        "  action: pause_transfer",
        prefer="- name: example\n"
        '  condition: file_type == "x"  # gpurules: ignore[GPR107] reason="a type of ours" until=2999-01-31\n'
        "  action: pause_transfer",
        why="Whoever wrote it meant it to be mended by that day. The finding is shown again too. A day is written as "
        "in `until=2027-01-31`, and counts to its end.",
    ),
    _rule(
        code="GPR903",
        avoid='- name: example\n  condition: file_type == "x"  # gpurules: ignore[GPR107]\n  action: pause_transfer',
        prefer="- name: example\n"
        '  condition: file_type == "x"  # gpurules: ignore[GPR107] reason="a type of ours"\n'
        "  action: pause_transfer",
        why="Without a reason nobody dares to remove it. It silences all the same.",
    ),
    _rule(
        code="GPR904",
        avoid='- name: example\n  condition: gpu_memory > 90  # gpurules: ignore[GPR1O5] reason="bytes"\n'
        "  action: pause_transfer",
        prefer="- name: example\n  condition: gpu_memory > 90\n  action: pause_transfer",
        why="A code that does not exist silences nothing. Codes (`GPR601`), their beginnings (`GPR6`) and names "
        "(`flapping-risk`) can be written.",
    ),
    _words(
        code="GPR905",
        avoid="An entry in the baseline for a finding that has been mended.",
        prefer="`gpurules lint --baseline FILE --update-baseline` after each repair.",
        why="A baseline is a list of what is left to do. A stale entry would let the same mistake in again.",
    ),
    _words(
        code="GPR906",
        avoid='`slect = ["GPR7"]` in `gpurules.toml`.',
        prefer='`select = ["GPR7"]`. The keys are those of `gpurules config`.',
        why="A key that means nothing is a misspelt one, so what it was to set is not in force.",
    ),
)
