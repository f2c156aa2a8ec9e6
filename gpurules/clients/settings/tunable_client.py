"""A storage client that is steered by its settings: each directive that it carries out is one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from gpurules.clients.client import Capability
from gpurules.clients.settings.restorable_setting import RestorableSetting
from gpurules.logs import logger

_LOGGER = logger("gpurules.clients")


@dataclass(frozen=True, slots=True)
class Tunable:
    """A setting, and the value that it is to have for what a directive says: ``value(said, before)``."""

    setting: RestorableSetting
    value: Callable[[object, str], str]


class TunableClient:
    """A client, named *name*, whose *dials* follow the node's directives; a dial without a directive is restored.

    Leaving ``with`` puts every setting back.
    """

    def __init__(self, name: str, dials: Mapping[Capability, Tunable]) -> None:
        self.name = name
        self.capabilities = frozenset(dials)
        self._dials = dict(dials)

    @property
    def is_changed(self) -> bool:
        """Whether any setting is other than it was before the rules."""
        return any(dial.setting.is_changed for dial in self._dials.values())

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Put the node's *directives* in force, by target, and return those that it cannot carry out.

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
        """Put every setting back.

        Raises:
            SettingError: a setting cannot be written.
        """
        for dial in self._dials.values():
            dial.setting.restore()

    def close(self) -> None:
        """Put every setting back, and let other processes have them."""
        try:
            self.restore()
        finally:
            for dial in self._dials.values():
                dial.setting.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put every setting back."""
        self.close()
