"""A setting outside this process that rules change: restored at the end, and after a crash by the next process."""

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Protocol

from gpurules.clients.regular_files import open_regular, remove_foreign
from gpurules.errors import GpurulesError
from gpurules.logs import logger
from gpurules.output_files import state_folder
from gpurules.strict_json import dumps, loads

_LOGGER = logger("gpurules.clients")
SUFFIX = ".setting.json"
MAX_BYTES = 64 * 1024


class SettingError(GpurulesError):
    """A setting could not be read or written, or another process controls it."""


class Setting(Protocol):
    """A setting with one text value."""

    @property
    def key(self) -> str:
        """Its unique name on this machine, also for messages; it contains no secrets."""
        ...

    def read(self) -> str:
        """Return the value.

        Raises:
            SettingError: it cannot be read.
        """
        ...

    def write(self, value: str) -> None:
        """Change the value.

        Raises:
            SettingError: it cannot be written.
        """
        ...


def settings_folder() -> Path:
    """Return the default folder for records of settings, below ``$XDG_STATE_HOME``."""
    return state_folder("settings")


class RestorableSetting:
    """A *setting* with its value ``before`` the rules; one process controls it at a time.

    The value is recorded in *folder* before it is changed. If a process died with the setting changed, the next one
    restores it first, unless it has been changed since. Without a writable folder, control continues without a record,
    which is logged. A setting that ends with this process (not *is_durable*) is neither recorded nor locked.

    Raises:
        SettingError: the setting cannot be read, or another process controls it.
    """

    def __init__(self, setting: Setting, folder: Path | None = None, *, is_durable: bool = True) -> None:
        self.setting = setting
        self._lock = Lock()
        self._file = self._opened(folder or settings_folder()) if is_durable else None
        try:
            self.recovered = self._recover()
            self.before = self._now = setting.read()
        except BaseException:
            self.close()
            raise

    @property
    def now(self) -> str:
        """The last known value."""
        return self._now

    @property
    def is_changed(self) -> bool:
        """Whether it differs from before the rules."""
        return self._now != self.before

    def put(self, value: str) -> bool:
        """Set the value, and return whether it changed.

        Raises:
            SettingError: it cannot be written.
        """
        with self._lock:
            if value == self._now:
                return False
            self._note({"key": self.setting.key, "before": self.before, "ours": [self._now, value]})
            self.setting.write(value)
            self._now = self.setting.read()  # it may be rounded
            self._note({"key": self.setting.key, "before": self.before, "ours": [self._now]})
            return True

    def restore(self) -> bool:
        """Restore the setting, and return whether it is restored; False if another program has changed it since.

        Raises:
            SettingError: it cannot be written.
        """
        with self._lock:
            if self._now != self.before:
                found = self.setting.read()
                if found != self._now:
                    _LOGGER.warning("%s was set to %s by someone else, and is left unchanged", self.setting.key, found)
                    self.before = self._now = found
                    self._note(None)
                    return False
                self.setting.write(self.before)
                self._now = self.setting.read()
            self._note(None)
            return True

    def close(self) -> None:
        """Release the setting without changing it."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    # the record on disk

    def _opened(self, folder: Path) -> int | None:
        name = sha256(self.setting.key.encode()).hexdigest()[:24] + SUFFIX
        try:
            folder.mkdir(parents=True, exist_ok=True)
            remove_foreign(folder / name)
            file = open_regular(folder / name, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            _LOGGER.warning(
                "%s could not be recorded, and would stay changed after a crash: %s", self.setting.key, error
            )
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise SettingError(f"another process controls {self.setting.key}; stop it first") from None
        return file

    def _recover(self) -> bool:
        """Restore a value that a dead process left changed, and return whether there was one."""
        note = self._noted()
        if note is None:
            return False
        before, ours = note
        found = self.setting.read()
        is_ours = found in ours and found != before
        if is_ours:
            self.setting.write(before)
            _LOGGER.warning(
                "%s was left at %s by a process that died; it is restored to %s", self.setting.key, found, before
            )
        self._note(None)
        return is_ours

    def _noted(self) -> tuple[str, list[str]] | None:
        if self._file is None:
            return None
        try:
            text = os.pread(self._file, MAX_BYTES, 0)
            note = loads(text) if text else None
        except (OSError, ValueError, RecursionError):
            note = ...
        if note is None:
            return None
        if isinstance(note, dict) and note.get("key") == self.setting.key:
            before, ours = note.get("before"), note.get("ours")
            if isinstance(before, str) and isinstance(ours, list) and all(isinstance(value, str) for value in ours):
                return before, ours
        _LOGGER.warning(
            "the recorded value of %s is damaged and ignored: the setting stays as a process that died may have left "
            "it",
            self.setting.key,
        )
        return None

    def _note(self, note: dict[str, object] | None) -> None:
        """Record *note* for a successor after a crash; None: there is nothing to restore."""
        if self._file is None:
            return
        with suppress(OSError):
            text = b"" if note is None else dumps(note, ascii_only=True).encode()
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))
            os.fsync(self._file)
