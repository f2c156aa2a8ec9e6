"""What conditions cannot mean, and how rules get in each other's way: what the analysis proves."""

from functools import partial

from gpurules.diagnostics.explanations.explanation import Explanation, Form

_condition = partial(Explanation, form=Form.CONDITION)
_rule = partial(Explanation, form=Form.RULE)
_file = partial(Explanation, form=Form.FILE)
_words = partial(Explanation, form=Form.WORDS)

_HEAD = "version: 1\nname: example\n"
_RULES = "rules:\n  - {name: hold, condition: full, action: pause_transfer}"


def _rules(*rules: str) -> str:
    return "\n".join(f"- {{{rule}}}" for rule in rules)


EXPLANATIONS = (
    _condition(
        code="GPR201",
        avoid="gpu_memory > 90 AND gpu_memory < 10",
        prefer="any(gpu_memory > 90) AND any(gpu_memory < 10)",
        why="A bare GPU field means one GPU: all parts of a condition are about the same one. A condition that can "
        "never be TRUE makes a rule that never matches, and nothing else shows it. The finding names the fewest parts "
        "that exclude each other.",
    ),
    _condition(
        code="GPR202",
        avoid="gpu_utilization >= 0",
        prefer="gpu_utilization IS NOT MISSING",
        why="The condition looks like a test and is none: it is TRUE whenever the fact is known. A plain `TRUE` says "
        "so openly, and is no finding.",
    ),
    _condition(
        code="GPR203",
        avoid="gpu_memory > 80 AND gpu_memory > 60",
        prefer="gpu_memory > 80",
        why="The part is said already by the others, so nothing happens when it is changed. The fix is safe where the "
        "condition stays the same for missing facts too; `x IS NOT MISSING AND x > 80` is FALSE where `x > 80` is "
        "UNKNOWN, and matches no more and no less.",
    ),
    _condition(
        code="GPR204",
        avoid="NOT (transfer_size <= 1GiB)",
        prefer="transfer_size > 1GiB",
        why="What is short is read right. The shorter form is proved to be the same, also where facts are missing.",
    ),
    _condition(
        code="GPR205",
        avoid="gpu_throttled OR (gpu_memory > 90 AND gpu_memory < 10)",
        prefer="gpu_throttled OR any(gpu_memory > 90)",
        why="The arm of the OR can never be TRUE, where what stands around it is. Probably something else was meant.",
    ),
    _rule(
        code="GPR206",
        avoid=_rules(
            "name: some, condition: gpu_memory < 80, action: limit_concurrency, parameters: {max_concurrency: 8}",
            "name: few, condition: gpu_memory > 80, action: limit_concurrency, parameters: {max_concurrency: 2}",
        ),
        prefer=_rules(
            "name: some, condition: gpu_memory <= 80, action: limit_concurrency, parameters: {max_concurrency: 8}",
            "name: few, condition: gpu_memory > 80, action: limit_concurrency, parameters: {max_concurrency: 2}",
        ),
        why="The two rules order the same kind of thing on neighbouring bands of one field. What is between them is "
        "missed, or ordered twice. A single number between them is always told. A wider gap is told where it is narrow "
        "beside the bands and they order different amounts, an overlap where each band has something that the other "
        "has not; `> 80` beside `> 90` are grades, and no finding. The fix lets the upper band begin where the lower "
        "one ends.",
    ),
    _condition(
        code="GPR207",
        avoid="coalesce(gpu_ecc_errors, 1) > 0",
        prefer="gpu_ecc_errors > 0 OR gpu_ecc_errors IS MISSING",
        why="Many GPUs never report the fact. The default makes the rule match there for ever, and the condition does "
        "not look like it. `IS MISSING` says it openly, and is no finding; neither is a text as default, such as "
        "`'unknown'`, which is a name for what is missing.",
    ),
    _words(
        code="GPR209",
        avoid="`gpu_temperature > 95`, and `gpurules lint --history node.jsonl` over a time that never got there.",
        prefer="`gpu_temperature > 85`, which the recording reaches in the moments that are meant.",
        why="The condition can be TRUE, and no recorded snapshot makes it so. Either what the rule waits for has not "
        "happened, or its threshold is out of reach. Of a rule that also asks about transfers or workloads only what "
        "it asks of the GPUs and the node is judged; `gpurules lint -v` names the rules of which nothing can be.",
    ),
    _words(
        code="GPR210",
        avoid="`gpu_memory > 10`, and `gpurules lint --history node.jsonl` with a recording in which GPUs always hold "
        "a model.",
        prefer="`gpu_memory > 80`, which tells some moments from others.",
        why="A rule that is TRUE in 99 % of the recorded snapshots or more is a setting that looks like a decision. "
        "Snapshots in which it is UNKNOWN do not count.",
    ),
    _words(
        code="GPR211",
        avoid="`workload_id IN ('w1', 'w2', …)` with 500 names.",
        prefer="`workload_id GLOB 'batch-*'`, or another field that says what the names have in common.",
        why="A condition may compare with 256 values: one for each comparison and each item of a list, those of its "
        "definitions included. The evaluator looks a constant up in a list at once, but loading, explaining and the "
        "analysis of meaning go through each item, and so does whoever reads it.",
    ),
    _rule(
        code="GPR302",
        avoid=_rules(
            "name: one, condition: gpu_count > 4, action: limit_concurrency, parameters: {max_concurrency: 2}",
            "name: two, condition: NOT (gpu_count <= 4), action: limit_concurrency, parameters: {max_concurrency: 2}",
        ),
        prefer=_rules(
            "name: one, condition: gpu_count > 4, action: limit_concurrency, parameters: {max_concurrency: 2}"
        ),
        why="Two rules that match at the same moments and order the same are one rule, written twice. Whoever changes "
        "one does not know of the other. The conditions need not be spelt alike: that they are the same is proved.",
    ),
    _rule(
        code="GPR303",
        avoid=_rules(
            "name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 9, stop: true",
            "name: fuller, condition: gpu_memory > 90, action: delay_transfer, parameters: {delay: 30s}",
        ),
        prefer=_rules(
            "name: fuller, condition: gpu_memory > 90, action: delay_transfer, parameters: {delay: 30s}, priority: 10",
            "name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 9, stop: true",
        ),
        why="A rule that stops hides all of lower priority wherever it matches: one that it covers wholly is never "
        "looked at (an error). A rule is also covered by one that orders the same or more wherever it matches (a "
        "warning), since of two delays the longer counts, of two prefetch factors the smaller. Priority boosts add "
        "up, and are exempt.",
    ),
    _rule(
        code="GPR304",
        avoid=_rules(
            "name: busy, condition: active_training, action: pause_transfer, priority: 9, stop: true",
            "name: idle, condition: NOT active_training, action: pause_transfer, priority: 9, stop: true",
            "name: hot, condition: gpu_temperature > 90, action: delay_transfer, parameters: {delay: 30s}",
        ),
        prefer=_rules(
            "name: hot, condition: gpu_temperature > 90, action: delay_transfer, parameters: {delay: 30s}, priority: "
            "10",
            "name: busy, condition: active_training, action: pause_transfer, priority: 9, stop: true",
            "name: idle, condition: NOT active_training, action: limit_concurrency, parameters: {max_concurrency: 2}",
        ),
        why="Each of the rules leaves room for it, and all of them together leave none. The finding lists the fewest "
        "that do.",
    ),
    _rule(
        code="GPR305",
        avoid=_rules(
            "name: full, condition: gpu_memory > 85, action: pause_transfer, priority: 9, stop: true",
            "name: models, condition: gpu_memory > 80 AND file_type == 'model', action: increase_priority, "
            "parameters: {priority_boost: 20}",
        ),
        prefer=_rules(
            "name: full, condition: gpu_memory > 85, action: pause_transfer, priority: 9, stop: true",
            "name: models, condition: 80 < max(gpu_memory) <= 85 AND file_type == 'model', action: "
            "increase_priority, parameters: {priority_boost: 20}",
        ),
        why="What is left of the rule stands in neither of the two conditions: `models` sounds as if it were about all "
        "memory above 80 %, and is looked at up to 85 % only. It may be meant, and is no more than a hint. A rule for "
        "a special case before the general one, such as `gpu_memory > 95` before `gpu_memory > 85`, is the usual way "
        "to write grades, and is no finding; neither are two rules that overlap and order the same, of which none "
        "stops.",
    ),
    _rule(
        code="GPR306",
        avoid=_rules(
            "name: boost_models, condition: file_type == 'model', action: increase_priority, "
            "parameters: {priority_boost: 50}",
            "name: hold_hot, condition: gpu_temperature > 85, action: pause_transfer",
        ),
        prefer=_rules(
            "name: hold_hot, condition: gpu_temperature > 85, action: pause_transfer, priority: 10",
            "name: boost_models, condition: file_type == 'model', action: increase_priority, "
            "parameters: {priority_boost: 50}",
        ),
        why="The actions declare that they exclude each other: one hurries the transfer, one holds it. Of rules with "
        "different priorities the higher one is meant to win; of equal ones nobody has said. The witness is a moment "
        "in which both match.",
    ),
    _rule(
        code="GPR307",
        avoid=_rules(
            "name: models, condition: file_type == 'model', action: stage_transfer, parameters: {staging_area: "
            "/nvme/a}",
            "name: large, condition: transfer_size > 1GiB, action: stage_transfer, parameters: {staging_area: /nvme/b}",
        ),
        prefer=_rules(
            "name: models, condition: file_type == 'model', action: stage_transfer, parameters: {staging_area: "
            "/nvme/a}, priority: 10",
            "name: large, condition: transfer_size > 1GiB, action: stage_transfer, parameters: {staging_area: /nvme/b}",
        ),
        why="Both rules match at once, their priorities are equal, and the action takes the first. So the order of the "
        "rules in the file decides, and moving one changes what the node does.",
    ),
    _words(
        code="GPR308",
        avoid='Two rules of one priority order `park` with 5 and 10 minutes, and `@gpurules.action("park", '
        'kind="directive")` does not say how claims combine.',
        prefer='`@gpurules.action("park", kind="directive", combine="max")`.',
        why="Without a declared combination the first claim is taken, and the other dropped: nobody has decided that "
        "it should be.",
    ),
    _file(
        code="GPR602",
        avoid=f"{_HEAD}signals:\n  full: {{condition: gpu_memory > 80, until: gpu_memory < 85}}\n{_RULES}",
        prefer=f"{_HEAD}signals:\n  full: {{condition: gpu_memory > 80, until: gpu_memory < 75}}\n{_RULES}",
        why="Between the two thresholds the signal is told to start and to end. A condition that is TRUE keeps the "
        "signal on, so that `until` means nothing there; it was probably meant the other way round.",
    ),
)  # fmt: skip
