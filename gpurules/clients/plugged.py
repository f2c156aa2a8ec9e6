"""Wraps the kinds of storage clients of plug-ins: any exception of theirs becomes a SettingError."""

from typing import Any

from gpurules.clients.settings.restorable_setting import SettingError
from gpurules.plugins import Contained, Shape

_KIND = Shape("client", ("name", "capabilities", "argument"), ("unavailable", "notes", "open"), SettingError)
_CLIENT = Shape("client", ("name", "capabilities"), ("apply", "restore", "close"), SettingError)


class PluggedKind(Contained):
    """The kind of client of a plug-in; attributes that it lacks are absent here too."""

    def __init__(self, kind: object, entry_point: str) -> None:
        super().__init__(kind, _KIND, entry_point)
        if callable(open_ := getattr(self, "open", None)):
            self._open = open_
            self.open = self._opened

    def _opened(self, argument: str) -> Any:
        """Open the client of the plug-in.

        Raises:
            SettingError: it cannot be opened.
        """
        client = Contained(self._open(argument), _CLIENT, self.name)
        if not (hasattr(client, "name") and hasattr(client, "apply") and hasattr(client, "restore")):
            raise SettingError(f"the client {self.name!r} opened an object without name, apply() and restore()")
        return client
