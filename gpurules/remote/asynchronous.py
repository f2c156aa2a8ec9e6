"""The asyncio client of an agent: the same answers and fallback, without a waiting thread."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from gpurules.actions.decision import Decision
from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD
from gpurules.model import Transfer, Workload
from gpurules.remote.connection.link import MAX_IDLE, Answer
from gpurules.remote.connection.messages import BrokenAnswerError, read_head, with_body
from gpurules.remote.engine import RemoteEngine
from gpurules.remote.explanations import RemoteExplanation
from gpurules.remote.questions import question


class _Stream:
    """One connection of a loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.is_reusable = False

    async def exchange(self, message: bytes) -> Answer:
        """Send a request and return its response.

        Raises:
            OSError: the response is incomplete.
        """
        self.is_reusable = False
        self._writer.write(message)
        try:
            head = read_head((await self._reader.readuntil(b"\r\n\r\n"))[:-4])
            body = await self._reader.readexactly(head.length)
        except asyncio.IncompleteReadError as error:
            raise (BrokenAnswerError("half an answer") if error.partial else ConnectionResetError()) from None
        except asyncio.LimitOverrunError:
            raise BrokenAnswerError("the head of the answer is too long") from None
        self.is_reusable = head.is_reusable
        return Answer(head.status, body)

    def close(self) -> None:
        """Close it."""
        self._writer.close()


class AsyncRemoteEngine:
    """Decides as the agent does, for the tasks of one loop; ``remote`` is the same for threads."""

    def __init__(self, remote: RemoteEngine) -> None:
        self.remote = remote
        self._idle: deque[_Stream] = deque()

    async def decide(self, transfer: Transfer | None = None, workload: Workload | None = None) -> Decision:
        """Return the agent's decision for *transfer*, or without one that for the node; it never raises.

        Missing: without a transfer (or workload) its fields are missing.
        """
        remote, asked, serving = self.remote, transfer or NO_TRANSFER, workload or NO_WORKLOAD
        remote.follow_agent()
        link = remote.link
        if not link.breaker.allows(time.monotonic()):
            return remote.fallback(asked, serving)
        try:
            async with asyncio.timeout(link.timeout):
                answer = await self._exchange(with_body(link.decide_head, question(transfer, workload)))
            decision = remote.read(answer, asked, serving)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            is_final = isinstance(error, ConnectionRefusedError | FileNotFoundError | PermissionError)
            if isinstance(error, OSError):
                link.breaker.record_failure(time.monotonic(), is_final)
            return remote.fall_back(error, asked, serving)
        link.breaker.record_success()
        return decision

    async def _exchange(self, message: bytes) -> Answer:
        while True:
            stream, is_fresh = (self._idle.pop(), False) if self._idle else (await self._open(), True)
            try:
                answer = await stream.exchange(message)
            except (ConnectionResetError, BrokenPipeError):
                stream.close()
                if is_fresh:
                    raise
                continue
            except BaseException:
                stream.close()
                raise
            if stream.is_reusable and len(self._idle) < MAX_IDLE:
                self._idle.append(stream)
            else:
                stream.close()
            return answer

    async def _open(self) -> _Stream:
        address = self.remote.link.address
        if address.path is not None:
            return _Stream(*await asyncio.open_unix_connection(address.path))
        return _Stream(*await asyncio.open_connection(address.host, address.port, ssl=address.tls))

    async def decide_many(self, transfers: Iterable[Transfer], workload: Workload | None = None) -> list[Decision]:
        """Return the agent's decision for each of *transfers*, in order."""
        return await asyncio.to_thread(self.remote.decide_many, list(transfers), workload)

    async def explain(self, transfer: Transfer | None = None, workload: Workload | None = None) -> RemoteExplanation:
        """Return why each rule of the agent matches or does not.

        Raises:
            AgentUnavailable: the agent has not responded.
        """
        return await asyncio.to_thread(self.remote.explain, transfer, workload)

    async def directives(self) -> Mapping[str, object]:
        """Return the directives of the node."""
        return await asyncio.to_thread(self.remote.directives)

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* in the running loop when the node's directives change; return a function that stops this."""
        loop = asyncio.get_running_loop()
        return self.remote.on_change(lambda: _call(loop, callback))

    def stop(self) -> None:
        """Stop following the agent, and close the connections."""
        while self._idle:
            self._idle.pop().close()
        self.remote.stop()


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
