"""Formatting is idempotent, and keeps meaning and comments."""

import re

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gpurules.formatting import format_text
from gpurules.rules import loads, shipped_names
from gpurules.rules.files.merge import read_file

SHIPPED = [read_file(f"gpurules:{name}").decode() for name in shipped_names()]
CONDITIONS = st.sampled_from(
    [
        "gpu_memory>80",
        "gpu_memory > 80 and (gpu_throttled||active_training)",
        "file_type in ['model'] and not gpu_memory>5".replace("['model']", "('model','log')"),
        'transfer_size>=1GiB\nAND file_type == "it\'s"',
        "'a: b' == path OR path contains '#x'",
        "max(gpu_power)>300W\n  or avg_over_time(gpu_memory[1m]) >= 90",
    ]
)
TEXTS = st.text("ab: #'\"\n-?{}[],&*|>%@`é\t0", max_size=12)
RULES = st.builds(
    lambda condition, description, tags, note: {
        "name": "r",
        "condition": condition,
        "description": description,
        "tags": tags,
        "action": "pause_transfer",
        "annotations": {"note": note},
    },
    CONDITIONS,
    TEXTS,
    st.lists(TEXTS, max_size=3, unique=True),
    TEXTS,
)


@st.composite
def files(draw: st.DrawFn) -> str:
    rules = [rule | {"name": f"r{n}"} for n, rule in enumerate(draw(st.lists(RULES, min_size=1, max_size=3)))]
    text = yaml.safe_dump(
        {"name": "x", "define": {"d": draw(CONDITIONS)}, "rules": rules},
        indent=draw(st.integers(2, 7)),
        width=draw(st.sampled_from([20, 80, 10_000])),
        default_flow_style=draw(st.sampled_from([False, None])),
        default_style=draw(st.sampled_from([None, None, "'", '"', "|", ">"])),
        allow_unicode=draw(st.booleans()),
        sort_keys=False,
    )
    text = f"version: 1\n{text}"
    return draw(st.sampled_from([text, text.replace("\n", "\r\n")]))


def terms(text: str) -> list[object]:
    ruleset = loads(text)
    return [[rule.term, rule.description, rule.tags, rule.annotations, rule.actions] for rule in ruleset.rules]


@given(files())
def test_generated_files_keep_their_meaning(text: str) -> None:
    once = format_text(text)
    assert format_text(once) == once
    assert terms(once) == terms(text)


@given(st.sampled_from(SHIPPED), st.integers(1, 4), st.randoms(use_true_random=False), st.booleans())
def test_shipped_files_keep_meaning_and_comments(text: str, width: int, random, blanks: bool) -> None:  # type: ignore[no-untyped-def]
    """Indented otherwise, with more white space and blank lines, they come back."""
    lines = []
    for line in text.split("\n"):
        spaces = len(line) - len(line.lstrip(" "))
        code = line.lstrip(" ")
        code = f"-{' ' * (2 * width - 1)}{code[2:]}" if code.startswith("- ") else code
        line = " " * (spaces * width) + code + " " * random.choice([0, 0, 3])
        lines += [line] if not blanks else [line, *[""] * random.choice([0, 0, 2])]
    ugly = re.sub(r"(?m)^( *[\w-]+:) (?=[a-z{])", r"\1   ", "\n".join(lines))
    once = format_text(ugly)
    assert format_text(once) == once
    assert loads(once).version == loads(text).version
    comments = [line.strip() for line in text.split("\n") if line.strip().startswith("#")]
    assert [line.strip() for line in once.split("\n") if line.strip().startswith("#")] == comments
