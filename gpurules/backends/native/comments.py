"""User's text as comments of source: nothing in it may end the comment, or be shown in another order than it is."""


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
