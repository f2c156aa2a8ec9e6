"""Hooks that apply rules in users' own boto3 and aiobotocore clients and TransferManagers."""

import copy
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from gpurules.clients.client import GOVERNED
from gpurules.clients.s3.calls import CallHooks, Tickets
from gpurules.clients.s3.objects import require_boto3
from gpurules.clients.s3.transfers import GovernedSubscriber, Transfers
from gpurules.errors import UnavailableError
from gpurules.governor import Governor
from gpurules.logs import logger
from gpurules.model import Transfer

_LOGGER = logger("gpurules.clients")
CRT_ADVICE = (
    "the CRT client of boto3 bypasses every hook, so no rule can be enforced; use the classic client with "
    "TransferConfig(preferred_transfer_client='classic'), or with Boto3.classic(config)"
)


class Boto3Kind:
    """The kind of client, as registered."""

    name = "boto3"
    capabilities = GOVERNED

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        try:
            require_boto3()
        except UnavailableError as error:
            return str(error)
        return None


class AiobotocoreKind:
    """The kind of client, as registered."""

    name = "aiobotocore"
    capabilities = GOVERNED

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        from importlib.util import find_spec

        if find_spec("aiobotocore") is None:
            return "aiobotocore is not installed; install it with: pip install 'gpurules[aiobotocore]'"
        return None


class _Attached:
    """Clients with hooks in them."""

    def __init__(self, tickets: Tickets, is_async: bool) -> None:
        self.tickets = tickets
        self._hooks = CallHooks(tickets, is_async)
        self._clients: list[Any] = []

    def attach(self, client: Any) -> None:
        """Make each data call of *client* wait until the governor admits it."""
        self._hooks.attach(client)
        self._clients.append(client)

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return and count the targets that are not carried out; the others are applied call by call."""
        left = frozenset(directives) - self.tickets.capabilities
        self.tickets.report(left)
        return left

    def restore(self) -> None:
        """Remove the hooks from all clients."""
        while self._clients:
            self._hooks.detach(self._clients.pop())


class Boto3:
    """Applies rules in your own boto3 clients and TransferManagers. ``S3`` does more; prefer it if you can.

    Calls of an attached client wait in their thread. Transfers of a ``manager`` wait without a thread.

    Raises:
        UnavailableError: boto3 is not installed.
    """

    name = Boto3Kind.name
    capabilities = Boto3Kind.capabilities

    def __init__(self, governor: Governor) -> None:
        require_boto3()
        self.governor = governor
        self._tickets = Tickets(self.name, governor, self.capabilities)
        self._attached = _Attached(self._tickets, is_async=False)
        self._has_warned = False

    def attach(self, client: Any) -> None:
        """Make each data call of *client* wait in its thread until the governor admits it."""
        if _crt_takes_over(None):
            self._warn()
        self._attached.attach(client)

    def manager(self, client: Any, config: Any = None) -> "GovernedManager":
        """Return a governed TransferManager for *client*, also for ``S3Transfer(manager=...)``.

        Raises:
            UnavailableError: *config* requests the CRT client, which cannot follow rules.
        """
        from s3transfer.manager import TransferConfig, TransferManager  # type: ignore[import-untyped]

        if str(getattr(config, "preferred_transfer_client", "")).lower() == "crt":
            raise UnavailableError(CRT_ADVICE)
        chosen = TransferConfig() if config is None else config
        transfers = Transfers(self._tickets, int(chosen.multipart_chunksize))
        return GovernedManager(TransferManager(client, chosen, executor_cls=transfers.executor), transfers)

    def transfers(self) -> Transfers:
        """Return the ``executor``, and ``subscriber()`` per transfer, for a TransferManager of your own."""
        return Transfers(self._tickets)

    def classic(self, config: Any) -> Any:
        """Return *config*, a TransferConfig, with the classic client instead of the CRT client."""
        if _crt_takes_over(config):
            self._warn()
        chosen = copy.copy(config)
        chosen.preferred_transfer_client = "classic"
        return chosen

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            _LOGGER.warning(CRT_ADVICE)

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return and count the targets that are not carried out; the others are applied call by call."""
        return self._attached.apply(directives)

    def restore(self) -> None:
        """Remove the hooks from all clients."""
        self._attached.restore()


class Aiobotocore:
    """Applies rules in your own aiobotocore clients, such as the ``s3`` of an s3fs filesystem: calls wait as tasks."""

    name = AiobotocoreKind.name
    capabilities = AiobotocoreKind.capabilities

    def __init__(self, governor: Governor) -> None:
        self.governor = governor
        self._attached = _Attached(Tickets(self.name, governor, self.capabilities), is_async=True)

    def attach(self, client: Any) -> None:
        """Make each data call of *client* wait, without blocking the loop, until the governor admits it."""
        self._attached.attach(client)

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return and count the targets that are not carried out; the others are applied call by call."""
        return self._attached.apply(directives)

    def restore(self) -> None:
        """Remove the hooks from all clients."""
        self._attached.restore()


class GovernedManager:
    """A TransferManager that gets a ticket for every transfer; other attributes are those of s3transfer."""

    def __init__(self, manager: Any, transfers: Transfers) -> None:
        self._manager = manager
        self.transfers = transfers

    def download(self, bucket: str, key: str, fileobj: Any, extra_args: Any = None, subscribers: Any = None) -> Any:
        """Download an object, as s3transfer does, and return the transfer's future."""
        return self._manager.download(bucket, key, fileobj, extra_args, self._with(subscribers, "read"))

    def upload(self, fileobj: Any, bucket: str, key: str, extra_args: Any = None, subscribers: Any = None) -> Any:
        """Upload an object, as s3transfer does, and return the transfer's future."""
        return self._manager.upload(fileobj, bucket, key, extra_args, self._with(subscribers, "write"))

    def copy(self, copy_source: Any, bucket: str, key: str, *more: Any, subscribers: Any = None, **options: Any) -> Any:
        """Copy an object, as s3transfer does, and return the transfer's future."""
        given = self._with(subscribers, "write")
        return self._manager.copy(copy_source, bucket, key, *more, subscribers=given, **options)

    def _with(self, subscribers: Any, operation: str) -> list[Any]:
        given = list(subscribers or ())
        if not any(isinstance(subscriber, GovernedSubscriber) for subscriber in given):
            given.append(self.transfers.subscriber(operation=operation))
        return given

    def subscriber_for(self, transfer: Transfer, operation: str | None = None) -> GovernedSubscriber:
        """Return the subscriber for a transfer with more facts than its key."""
        return self.transfers.subscriber(transfer, operation)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    def __enter__(self) -> Self:
        """Return the manager."""
        self._manager.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all transfers, and end the threads."""
        self._manager.__exit__(kind, error, trace)


def _crt_takes_over(config: Any) -> bool:
    """Return whether boto3 would use the CRT client: on request, or by default on some instance types."""
    wanted = str(getattr(config, "preferred_transfer_client", "auto")).lower()
    if wanted != "auto":
        return wanted == "crt"
    try:
        import awscrt.s3
    except ImportError:
        return False
    return bool(awscrt.s3.is_optimized_for_system())
