"""Why rules did or did not match: the explanation of a decision, and its drawing as a tree."""

from gpurules.rules.explanation.drawing import Sheet, Tone

__all__ = [
    "Sheet",
    "Tone",
]
