"""An endpoint, and actions that record their events."""

from collections.abc import Callable, Iterator

import pytest

from gpurules.actions import Event
from gpurules.actions.registration import action, forget
from gpurules.engine.polling import reloader, state_store
from tests.integration.coordinator.stand import Endpoint


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let polls wait for files as long as a busy machine may need, so that a test sees what comes of them."""
    monkeypatch.setattr(reloader, "PATIENCE_SECONDS", (60.0, 60.0))
    monkeypatch.setattr(state_store, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.close()


Registered = Callable[..., list[Event]]


@pytest.fixture
def effect() -> Iterator[Registered]:
    """Register an effect of that name; the list gets the events, *also* is called with each."""
    names: list[str] = []

    def register(
        name: str, also: Callable[[Event], object] | None = None, on: tuple[str, ...] = ("start",)
    ) -> list[Event]:
        events: list[Event] = []

        @action(name, on=on)  # type: ignore[arg-type]
        def handle(event: Event) -> None:
            events.append(event)
            if also is not None:
                also(event)

        names.append(name)
        return events

    yield register
    for name in names:
        forget(name)
