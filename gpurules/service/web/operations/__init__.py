"""Every operation of the API."""

from gpurules.service.web.operation import Operation
from gpurules.service.web.operations import (
    administration,
    decisions,
    following,
    probes,
    registration,
    state,
    what_if,
)

OPERATIONS: tuple[Operation, ...] = (
    *decisions.OPERATIONS,
    *following.OPERATIONS,
    *state.OPERATIONS,
    *registration.OPERATIONS,
    *what_if.OPERATIONS,
    *administration.OPERATIONS,
    *probes.OPERATIONS,
)
