"""User text in source comments: it can neither end the comment nor reorder what is displayed (bidi controls)."""


def comment_lines(text: str) -> list[str]:
    r"""Return *text* as lines that can be in a comment of C or Go.

    >>> comment_lines("path GLOB '*/x'\nOR a")
    ["path GLOB '* /x'", 'OR a']
    """
    lines = []
    for line in text.strip().splitlines():
        shown = "".join(
            [c if c.isprintable() else c.encode("unicode_escape").decode() for c in line.replace("\t", " ")]
        )
        lines.append(shown.replace("*/", "* /").replace("/*", "/ *").rstrip().rstrip("\\"))
    return lines
