"""Takes the code blocks out of the documentation."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the rest of its first line, and its text with the line it starts at."""

    language: str
    info: str
    text: str
    line: int

    @property
    def title(self) -> str | None:
        """The name of the file that the block is, written ``title=NAME``."""
        found = re.search(r"title=(\S+)", self.info)
        return found[1] if found else None


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of *page*, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m[1] or "", m[2], m[3], text.count("\n", 0, m.start()) + 2) for m in _BLOCK.finditer(text)]


def pages(root: Path) -> list[Path]:
    """Return every page that people write; generated ones are tested by what they are made from."""
    return [root / "README.md", *(p for p in sorted((root / "docs").rglob("*.md")) if "checks" not in p.parts)]
