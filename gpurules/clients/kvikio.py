"""The thread count of KvikIO, which follows ``limit_concurrency``."""

from typing import Any

from gpurules.clients.client import Capability
from gpurules.clients.settings.restorable_setting import RestorableSetting, SettingError
from gpurules.clients.settings.tunable_client import Tunable, TunableClient
from gpurules.model.reading import finite


class KvikIOKind:
    """The kind of client, as registered."""

    name = "kvikio"
    capabilities = frozenset({Capability.CONCURRENCY})

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        from importlib.util import find_spec

        if find_spec("kvikio") is None:
            return "kvikio is not installed (pip install kvikio-cu12 or kvikio-cu13); it needs CUDA"
        return None


class ThreadsSetting:
    """The number of threads with which KvikIO reads and writes in this process.

    Source: docs.rapids.ai/api/kvikio, kvikio.defaults: ``set`` and ``get``, and the functions before 25.02.
    """

    key = "num_threads of KvikIO"

    def __init__(self, defaults: Any) -> None:
        self._defaults = defaults

    def read(self) -> str:
        """Return the value."""
        try:
            get = getattr(self._defaults, "get", None)
            return str(int(self._defaults.get_num_threads() if get is None else get("num_threads")))
        except Exception as error:  # any error of CUDA
            raise SettingError(f"{self.key} cannot be read: {error}") from None

    def write(self, value: str) -> None:
        """Change the value; KvikIO waits for pending operations."""
        try:
            if hasattr(self._defaults, "set"):
                self._defaults.set({"num_threads": int(value)})
            else:
                self._defaults.num_threads_reset(int(value))
        except Exception as error:
            raise SettingError(f"{self.key} cannot be written: {error}") from None


def kvikio() -> TunableClient:
    """Return the client that limits KvikIO's threads in this process to the concurrency that rules allow.

    Raises:
        SettingError: KvikIO cannot be used here.
    """
    try:
        from kvikio import defaults
    except Exception as error:  # imports CUDA's libraries
        raise SettingError(f"kvikio cannot be imported: {error}") from None
    kept = RestorableSetting(ThreadsSetting(defaults), is_durable=False)
    return TunableClient("kvikio", {Capability.CONCURRENCY: Tunable(kept, _fewer)})


def _fewer(said: object, before: str) -> str:
    most = finite(said)
    return before if most is None else str(max(1, min(int(before), int(most))))
