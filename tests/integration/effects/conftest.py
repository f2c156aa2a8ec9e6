"""An endpoint that keeps what it gets."""

from collections.abc import Iterator

import pytest

from tests.integration.coordinator.stand import Endpoint


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.close()
