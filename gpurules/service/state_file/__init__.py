"""The state file: an agent's state, in a file that clients of any language map into memory (docs/state-file.md)."""

from gpurules.service.state_file.publishing import keep_published, publish
from gpurules.service.state_file.reader import StateFile, StateView
from gpurules.service.state_file.writer import StateFileError

__all__ = ["StateFile", "StateFileError", "StateView", "keep_published", "publish"]
