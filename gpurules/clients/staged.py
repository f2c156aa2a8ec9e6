"""A transfer by way of a staging area, as a rule asks for it."""

import errno
import time
from collections.abc import Callable
from pathlib import Path

from gpurules.actions.stage_transfer import Stage
from gpurules.clients.staging import StagingArea, StagingFull
from gpurules.clients.store import ObjectFacts
from gpurules.governor import Ticket

ROOM_LOOK_SECONDS = 0.2


class Staging:
    """One transfer that a rule stages: *fill* brings the object to a place in the area, *use* takes it from there.

    Waits for room no longer than *patience_seconds*.
    """

    def __init__(
        self,
        ticket: Ticket,
        area: StagingArea,
        fill: Callable[[Path], object],
        use: Callable[[Path], object],
        patience_seconds: float,
    ) -> None:
        self._ticket = ticket
        self._area = area
        self._fill = fill
        self._use = use
        self._patience = patience_seconds

    def run(self, url: str, facts: ObjectFacts, stage: Stage) -> bool:
        """Return whether the object went that way; if not, it has to go directly.

        Raises:
            StagingFull: there is no room, and the rule says ``on_full: fail``.
        """
        place = self._area.place(url, facts)
        ends = time.monotonic() + self._patience
        self._ticket.stage()
        has_waited = False
        while True:
            try:
                self._pass(place, facts.size)
                return True
            except StagingFull:
                if not has_waited:
                    self._ticket.count_fault("staging_full")
                has_waited = True
                if stage.on_full == "fail":
                    self._ticket.stage(False)
                    raise
                if stage.on_full != "wait" or facts.size > self._area.quota or time.monotonic() > ends:
                    self._ticket.stage(False)
                    return False
            self._ticket.check()
            time.sleep(ROOM_LOOK_SECONDS)

    def _pass(self, place: Path, size: int) -> None:
        """Have the object in the area, and use it before anybody can take it out."""
        with self._area.holding(place, self._ticket.check) as is_there:
            if not is_there:
                self._area.make_room(place, size)
                try:
                    self._fill(place)
                except OSError as error:
                    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                        raise
                    self._area.discard(place)
                    raise StagingFull(f"the disk of the staging area {str(self._area.path)!r} is full") from error
                self._area.counts.staged += 1
            self._use(place)
