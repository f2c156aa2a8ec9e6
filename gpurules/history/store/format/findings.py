"""Problems found while reading a store, each with its file; the rest is still read."""

from dataclasses import dataclass, field

MOST = 50
"""The number of findings that are kept word by word; the others are counted."""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type if the message is empty."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.split("\n")[0].strip().rstrip(".") or type(error).__name__


@dataclass(slots=True)
class Findings:
    """The problems found while reading; ``count`` is their number."""

    texts: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, place: str, what: str) -> None:
        """Record the problem *what* of the file *place*, once."""
        text = f"{place}: {what}"
        if text in self.texts:
            return
        self.count += 1
        if len(self.texts) < MOST:
            self.texts.append(text)

    def add_damage(self, place: str, error: Exception) -> None:
        """Record that the file *place* cannot be read, with the first line of the reason."""
        self.add(place, f"cannot be read: {first_line(error)}")

    def merge(self, other: "Findings") -> None:
        """Add the findings of another reader, each once."""
        fresh = [text for text in other.texts if text not in self.texts]
        self.count += other.count - len(other.texts) + len(fresh)
        self.texts = [*self.texts, *fresh][:MOST]
