"""Globs as parsed steps, for generated programs that match them at run time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GlobStep:
    """A star, or a set of code points: those in ``ranges``, or all others if ``negated``."""

    ranges: tuple[tuple[int, int], ...] = ()
    negated: bool = False
    is_star: bool = False


_ANY, _STAR = GlobStep(negated=True), GlobStep(is_star=True)


def glob_steps(pattern: str) -> tuple[GlobStep, ...]:
    """Return the steps of a glob with the semantics of Python's fnmatch.

    >>> [step.is_star for step in glob_steps("*.pt")]
    [True, False, False, False]
    """
    steps: list[GlobStep] = []
    at = 0
    while at < len(pattern):
        character, at = pattern[at], at + 1
        end = _set_end(pattern, at) if character == "[" else len(pattern)
        if character == "*":
            if not steps or not steps[-1].is_star:
                steps.append(_STAR)
        elif character == "?":
            steps.append(_ANY)
        elif end < len(pattern):
            steps.append(_set(pattern[at:end]))
            at = end + 1
        else:
            steps.append(GlobStep(((ord(character), ord(character)),)))
    return tuple(steps)


def _set_end(pattern: str, at: int) -> int:
    """Return the end of the set that starts at *at*; the length of *pattern* if it is not closed."""
    if pattern[at : at + 1] == "!":
        at += 1
    if pattern[at : at + 1] == "]":
        at += 1
    end = pattern.find("]", at)
    return len(pattern) if end < 0 else end


def _chunks(inner: str) -> list[str]:
    """Return the content of brackets, split at the hyphens of ranges; empty ranges are dropped.

    Source: ``fnmatch.translate``.
    """
    chunks: list[str] = []
    start = 0
    hyphen = inner.find("-", 2 if inner[0] == "!" else 1)
    while hyphen >= 0:
        chunks.append(inner[start:hyphen])
        start = hyphen + 1
        hyphen = inner.find("-", hyphen + 3)
    if start < len(inner):
        chunks.append(inner[start:])
    else:
        chunks[-1] += "-"
    for k in range(len(chunks) - 1, 0, -1):
        if chunks[k - 1][-1] > chunks[k][0]:
            chunks[k - 1] = chunks[k - 1][:-1] + chunks[k][1:]
            del chunks[k]
    return chunks


def _set(inner: str) -> GlobStep:
    chunks = _chunks(inner)
    is_negated = chunks[0][:1] == "!"
    if is_negated:
        chunks[0] = chunks[0][1:]
    ranges: list[tuple[int, int]] = []
    is_linked = False
    for k, chunk in enumerate(chunks):
        if k > 0 and not is_linked:
            ranges.append((ord("-"), ord("-")))
        rest = chunk[1:] if is_linked else chunk
        is_linked = bool(rest) and k + 1 < len(chunks)
        for place, character in enumerate(rest):
            ends = is_linked and place == len(rest) - 1
            ranges.append((ord(character), ord(chunks[k + 1][0] if ends else character)))
    return GlobStep(tuple(ranges), is_negated)
