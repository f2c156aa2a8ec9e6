"""Why a condition can be malformed, ill-typed or doubtful."""

from functools import partial

from gpurules.diagnostics.explanations.explanation import Explanation, Form

_condition = partial(Explanation, form=Form.CONDITION)

EXPLANATIONS = (
    _condition(
        code="GPR003",
        avoid="gpu_memory > AND gpu_utilization > 90",
        prefer="gpu_memory > 80 AND gpu_utilization > 90",
        why="What cannot be read cannot be decided. The message names what may stand at the marked place; reading "
        "goes on behind it, so that one run shows every mistake.",
    ),
    _condition(
        code="GPR004",
        avoid="gpu_memory > 80 & file_type == 'model'",
        prefer="gpu_memory > 80 AND file_type == 'model'",
        why="Operators of other languages are recognised and answered with ours, rather than guessed at. `&&`, "
        "`||`, `!`, `=` and `<>` are accepted as they are.",
    ),
    _condition(
        code="GPR005",
        avoid="gpu_throttled OR gpu_memory > 90 AND gpu_utilization > 95",
        prefer="gpu_throttled OR (gpu_memory > 90 AND gpu_utilization > 95)",
        why="AND binds tighter than OR, which not every reader knows. NOT over a comparison of a per-GPU field "
        "means that some GPU is not so, where often `NOT any(…)` or `all(…)` was meant.",
    ),
    _condition(
        code="GPR007",
        avoid="gpu_memory\u00a0> 80",
        prefer="gpu_memory > 80",
        why="A non-breaking space, a zero-width or a look-alike character reads like one thing and is another. They "
        "come from copying out of a chat or a web page. Inside a string they are allowed.",
    ),
    _condition(
        code="GPR011",
        avoid="70 < gpu_memory > 60",
        prefer="60 < gpu_memory < 70",
        why="A chain is the AND of its links, so one that changes direction hardly ever says what it seems to. "
        "Chains use only `<` and `<=`, only `>` and `>=`, or only `==`.",
    ),
    _condition(
        code="GPR103",
        avoid="gpu_memory > 'high'",
        prefer="gpu_memory > 80",
        why="Values of different types never compare, so the condition could never be true. Ordering is for "
        "numbers, the text operators for strings, AND, OR and NOT for truth values.",
    ),
    _condition(
        code="GPR104",
        avoid="gpu_memory > 4GiB",
        prefer="gpu_memory_used > 4GiB",
        why="A percentage is not a number of bytes. Dimensions are checked so that a threshold in the wrong unit is "
        "found before it silently never, or always, holds.",
    ),
    _condition(
        code="GPR105",
        avoid="transfer_size > 1000000",
        prefer="transfer_size > 1MiB",
        why="Bytes, seconds, hertz and rates have many scales, so a bare number does not say which is meant. "
        "Percentages, degrees and watts have one, and may be bare.",
    ),
    _condition(
        code="GPR106",
        avoid="gpu_memory > 0.8",
        prefer="gpu_memory > 80",
        why="Percentages run from 0 to 100, sizes count in bytes and clocks in hertz. A literal of quite another scale "
        "compiles, and then is always true or always false. The base unit written by hand (4000B) is suspicious too.",
    ),
    _condition(
        code="GPR107",
        avoid="file_type == 'modle'",
        prefer="file_type == 'model'",
        why="The field takes only certain values (a file extension has its dot and is in lower case), and this is none "
        "of them, so the comparison never changes.",
    ),
    _condition(
        code="GPR108",
        avoid="file_type == 'Model'",
        prefer="file_type == 'model'",
        why="Texts compare case by case, and the field gives this value in another case.",
    ),
    _condition(
        code="GPR109",
        avoid="gpu_power == 300W",
        prefer="gpu_power >= 300W",
        why="A sampled real number hardly ever equals a constant to the last bit. Whole degrees and counts may be "
        "compared for equality.",
    ),
    _condition(
        code="GPR110",
        avoid="gpu_utilization > 120",
        prefer="gpu_utilization > 95",
        why="The literal lies outside what the field can be, so the comparison is constant.",
    ),
    _condition(
        code="GPR114",
        avoid="gpu_energy > 10kJ",
        prefer="rate(gpu_energy[1m]) > 300W",
        why="A counter only grows (until the driver restarts): once above a constant it stays there. What it grows "
        "by is what a rule can act on.",
    ),
    _condition(
        code="GPR116",
        avoid="transfer_size > 100mb",
        prefer="transfer_size > 100MB",
        why="A unit is written against its number, and case tells megabytes from megabits and seconds from siemens. "
        "The message names the nearest unit.",
    ),
    _condition(
        code="GPR117",
        avoid="abs(gpu_power, 2) > 1W",
        prefer="abs(gpu_power - 300W) > 20W",
        why="The function takes another number of arguments; `docs/language.md` lists them all.",
    ),
    _condition(
        code="GPR118",
        avoid="path MATCHES '('",
        prefer="path MATCHES '\\\\.ckpt(\\\\.tmp)?$'",
        why="A pattern is RE2 and a literal, so that it is checked when the rules load and takes linear time on a "
        "path that comes from outside. RE2 has no back references and no look-around.",
    ),
    _condition(
        code="GPR119",
        avoid="max(transfer_size) > 1GiB",
        prefer="max(gpu_memory) > 90",
        why="An aggregate looks at all GPUs and gives one value for the node. Over something that is the same for "
        "every GPU, or over another aggregate, it means nothing.",
    ),
    _condition(
        code="GPR120",
        avoid="gpu_power[1m] > 300W",
        prefer="avg_over_time(gpu_power[1m]) > 300W",
        why="A window is many samples and only an over-time function makes one value of them; it takes one numeric "
        "field, not an expression.",
    ),
    _condition(
        code="GPR113",
        form=Form.WORDS,
        avoid="A field that a later field has replaced.",
        prefer="The field that the message names.",
        why="The old name goes away at the version that the message names. No built-in field is deprecated today.",
    ),
)
