"""The staging areas of a client: its own, and those that rules name."""

import threading
from pathlib import Path

from gpurules.clients.staging.area import StagingArea
from gpurules.clients.staging.trouble import StagingRefused
from gpurules.logs import logger

_LOGGER = logger("gpurules.clients")


class StagingAreas:
    """Areas by path, each opened once, all with the same *quota* and *reserve*.

    Units: *quota* and *reserve* in bytes.
    """

    def __init__(self, quota: int, reserve: int = 0, own: StagingArea | None = None) -> None:
        self._quota = quota
        self._reserve = reserve
        self._areas = {} if own is None else {own.path: own}
        self._refused: set[Path] = set()
        self._lock = threading.Lock()

    def find(self, where: str | Path) -> StagingArea:
        """Return the area at *where*.

        Raises:
            StagingRefused: other users may write to it, or it belongs to one of them; the log says so once.
        """
        path = Path(where)
        with self._lock:
            area = self._areas.get(path)
            if area is None:
                try:
                    area = self._areas[path] = StagingArea(path, self._quota, self._reserve)
                except StagingRefused as refused:
                    if path not in self._refused:
                        self._refused.add(path)
                        _LOGGER.warning("%s; transfers that rules stage there are read directly", refused)
                    raise
            return area
