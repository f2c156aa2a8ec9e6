"""A storage client that is controlled by settings, one for each directive that it supports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpurules.clients.client import Capability, ClosedOnExit
from gpurules.clients.settings.restorable_setting import RestorableSetting
from gpurules.logs import logger

_LOGGER = logger("gpurules.clients")


@dataclass(frozen=True, slots=True)
class Tunable:
    """A setting, and the function from a directive to its value: ``value(said, before)``."""

    setting: RestorableSetting
    value: Callable[[object, str], str]


class TunableClient(ClosedOnExit):
    """A client, named *name*, whose *dials* follow the node's directives; a dial without a directive is restored.

    Leaving ``with`` restores every setting.
    """

    def __init__(self, name: str, dials: Mapping[Capability, Tunable]) -> None:
        self.name = name
        self.capabilities = frozenset(dials)
        self._dials = dict(dials)

    @property
    def is_changed(self) -> bool:
        """Whether any setting differs from before the rules."""
        return any(dial.setting.is_changed for dial in self._dials.values())

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Apply the node's *directives*, by target, and return those that it cannot carry out.

        Raises:
            SettingError: a setting cannot be written.
        """
        for target, dial in self._dials.items():
            kept, said = dial.setting, directives.get(target)
            value = kept.before if said is None else dial.value(said, kept.before)
            if kept.put(value):
                _LOGGER.info("%s: %s is %s (before the rules: %s)", self.name, kept.setting.key, kept.now, kept.before)
        return frozenset(directives) - self.capabilities

    def restore(self) -> None:
        """Restore every setting.

        Raises:
            SettingError: a setting cannot be written.
        """
        for dial in self._dials.values():
            dial.setting.restore()

    def close(self) -> None:
        """Restore and release every setting."""
        try:
            self.restore()
        finally:
            for dial in self._dials.values():
                dial.setting.close()
