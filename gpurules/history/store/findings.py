"""Problems found while reading a store, each with its file; the rest is still read."""

from dataclasses import dataclass, field

MOST = 50
"""The number of findings that are kept word by word; the others are counted."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says; its kind where it says nothing."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.split("\n")[0].strip().rstrip(".") or type(error).__name__


@dataclass(slots=True)
class Findings:
    """What was found wrong while reading; ``count`` is how much was."""

    texts: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, place: str, what: str) -> None:
        """Note that *what* is wrong with the file *place*; the same is noted once."""
        text = f"{place}: {what}"
        if text in self.texts:
            return
        self.count += 1
        if len(self.texts) < MOST:
            self.texts.append(text)

    def add_damage(self, place: str, error: Exception) -> None:
        """Note that the file *place* cannot be read, and the first line of why."""
        self.add(place, f"cannot be read: {first_line(error)}")

    def merge(self, other: "Findings") -> None:
        """Add what was found elsewhere; the same is noted once."""
        fresh = [text for text in other.texts if text not in self.texts]
        self.count += other.count - len(other.texts) + len(fresh)
        self.texts = [*self.texts, *fresh][:MOST]
