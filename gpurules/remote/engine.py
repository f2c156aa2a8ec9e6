"""An engine whose decisions are those of the agent of the node."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from gpurules.actions.decision import Decision
from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD
from gpurules.engine import Engine
from gpurules.engine.threads import shutdown
from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.logs import logger
from gpurules.model import Transfer, Workload
from gpurules.remote.answers import AnswerReader
from gpurules.remote.connection.link import AgentUnavailable, Answer, Link
from gpurules.remote.explanations import RemoteExplanation, read_explanation
from gpurules.remote.follower import Directives, StateFollower
from gpurules.remote.questions import question
from gpurules.rules import Ruleset
from gpurules.rules.rule import Settings
from gpurules.strict_json import dumps, loads

_LOGGER = logger("gpurules.remote")
MAX_ITEMS = 1000
"""How many transfers one request asks about."""
_ASSUMED = ("transfer_size", "file_type", "framework", "pending_transfers")
"""What rules are taken to read while the agent has not said."""


class RemoteEngine(Engine):
    """Decides by asking the agent at the other end of *link*. Thread-safe, also after a fork.

    An agent that does not respond within the timeout, or is down, stops no transfer: the node's last directives apply
    until they expire (``decision.source`` is then ``directives``), and after that there are none (``fallback``).
    ``counts`` counts the decisions of each source, and the errors.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(_stand_in({}))
        self.link = link
        self._reader = AnswerReader(self._explained)
        self._follower = StateFollower(link, self._take)
        self._callbacks: list[Callable[[], None]] = []
        self._counting = threading.Lock()
        self.counts: Counter[str] = Counter()
        self._facts: Mapping[str, object] = {}
        self._has_complained = False
        shutdown.add(self)

    # asking

    def decide(self, transfer: Transfer | None = None, workload: Workload | None = None) -> Decision:
        """Return the agent's decision for *transfer*, or without one that for the node; it never raises.

        Missing: without a transfer (or workload) its fields are missing.
        """
        asked, serving = transfer or NO_TRANSFER, workload or NO_WORKLOAD
        self._follower.start()
        if not self.link.breaker.allows(time.monotonic()):
            return self.fallback(asked, serving)
        try:
            return self.read(self.link.call(self.link.decide_head, question(transfer, workload)), asked, serving)
        except (OSError, ValueError) as error:
            return self.fall_back(error, asked, serving)

    def follow_agent(self) -> None:
        """Start to keep the node's directives, for when the agent does not respond."""
        self._follower.start()

    def read(self, answer: Answer, transfer: Transfer, workload: Workload) -> Decision:
        """Parse the decision in a response.

        Raises:
            ValueError: it is not a decision.
        """
        if answer.status != 200:
            raise ValueError(f"the agent refused the request ({answer.status}): {_detail(answer)}")
        decision = self._reader.read(answer.body, transfer, workload)
        self.counts["agent"] += 1
        return decision

    def fall_back(self, error: Exception, transfer: Transfer, workload: Workload) -> Decision:
        """Count a missing or invalid response of the agent, and return the fallback."""
        with self._counting:
            self.counts[_kind(error)] += 1
            is_first, self._has_complained = not self._has_complained, True
        if is_first and isinstance(error, ValueError):
            _LOGGER.warning("%s; the transfer goes on without it", error)
        return self.fallback(transfer, workload)

    def fallback(self, transfer: Transfer, workload: Workload) -> Decision:
        """Return the decision that applies while the agent does not respond."""
        latest = self._follower.latest
        if latest is not None and time.monotonic() < latest.expires:
            self.counts["directives"] += 1
            return self._reader.read(latest.body, transfer, workload, "directives")
        self.counts["fallback"] += 1
        return self._reader.neutral(transfer, workload)

    def decide_many(self, transfers: Iterable[Transfer], workload: Workload | None = None) -> list[Decision]:
        """Return the agent's decision for each of *transfers*, in order."""
        waiting, found = list(transfers), []
        for start in range(0, len(waiting), MAX_ITEMS):
            found += self._decide_some(waiting[start : start + MAX_ITEMS], workload)
        return found

    def _decide_some(self, transfers: list[Transfer], workload: Workload | None) -> list[Decision]:
        serving = workload or NO_WORKLOAD
        self._follower.start()
        if self.link.breaker.allows(time.monotonic()):
            body = b"[" + b",".join(question(transfer, workload) for transfer in transfers) + b"]"
            timeout = self.link.timeout + len(transfers) / 2000
            try:
                answer = self.link.call(self.link.head("POST", "/v1/decide:batch"), body, timeout)
                items = loads(answer.body) if answer.status == 200 else None
                if not isinstance(items, list) or len(items) != len(transfers):
                    raise ValueError(f"the agent refused a batch ({answer.status}): {_detail(answer)}")
                return [self._item(item, transfer, serving) for item, transfer in zip(items, transfers, strict=True)]
            except (OSError, ValueError) as error:
                self.fall_back(error, NO_TRANSFER, NO_WORKLOAD)
        return [self.fallback(transfer, serving) for transfer in transfers]

    def _item(self, item: object, transfer: Transfer, workload: Workload) -> Decision:
        if isinstance(item, Mapping) and "problem" in item:
            return self.fall_back(ValueError(f"the agent refused an item: {item['problem']}"[:300]), transfer, workload)
        return self.read(Answer(200, dumps(item, compact=True).encode()), transfer, workload)

    def explain(self, transfer: Transfer | None = None, workload: Workload | None = None) -> RemoteExplanation:
        """Return why each rule of the agent matches or does not.

        Raises:
            AgentUnavailable: the agent has not responded.
        """
        try:
            answer = self.link.call(self.link.head("POST", "/v1/explain"), question(transfer, workload), 10.0)
            if answer.status != 200:
                raise ValueError(_detail(answer))
            return read_explanation(loads(answer.body))
        except (OSError, ValueError) as error:
            raise AgentUnavailable(f"the agent at {self.link.address} explains nothing: {error}") from None

    def _explained(self, transfer: Transfer, workload: Workload) -> RemoteExplanation:
        return self.explain(
            None if transfer is NO_TRANSFER else transfer, None if workload is NO_WORKLOAD else workload
        )

    def directives(self) -> Mapping[str, object]:
        """Return the directives of the node: the last ones of the agent, none once they have expired."""
        self._follower.start()
        latest = self._follower.latest
        if latest is None and self.link.breaker.allows(time.monotonic()):
            try:
                self._follower.look()
            except (OSError, ValueError) as error:
                self.fall_back(error, NO_TRANSFER, NO_WORKLOAD)
            latest = self._follower.latest
        if latest is None or time.monotonic() >= latest.expires:
            return MappingProxyType({})
        return self._reader.read(latest.body, NO_TRANSFER, NO_WORKLOAD, "directives").directives

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback*, in another thread, when the node's directives change; return a function that stops this."""
        self._callbacks.append(callback)
        self._follower.start()
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def status(self) -> dict[str, object]:
        """Return the address of the agent, whether it responds, and the counts, JSON-ready."""
        return {
            "address": str(self.link.address),
            "connected": self._follower.is_connected,
            "breaker": self.link.breaker.state.value,
            "counts": dict(self.counts),
        }

    # as an engine

    @property
    def is_neutral(self) -> bool:
        """False: only the agent knows what it decides."""
        return False

    @property
    def is_stale(self) -> bool:
        """Whether the agent's directives have expired."""
        latest = self._follower.latest
        return latest is None or time.monotonic() >= latest.expires

    def decide_nothing(self) -> Decision:
        """Return a decision without directives."""
        return self._reader.neutral(NO_TRANSFER, NO_WORKLOAD)

    def _take(self, fresh: Directives) -> None:
        if fresh.facts != self._facts:
            self._facts = fresh.facts
            ruleset = _stand_in(fresh.facts)
            self._reader.settings = ruleset.settings
            self.replace(ruleset)
        self._has_complained = False
        for callback in list(self._callbacks):
            try:
                callback()
            except Exception:  # a callback is foreign code
                _LOGGER.exception("a callback failed")

    def stop(self, timeout: float | None = None) -> None:
        """Stop following the agent, and close the connections."""
        shutdown.remove(self)
        self._follower.stop()
        self.link.close()
        self._follower.join(1.0 if timeout is None else timeout)

    def after_fork(self) -> None:
        """Start over in a forked child: connections and threads belong to the parent."""
        super().after_fork()
        self._counting = threading.Lock()
        self.link.after_fork()
        self._follower.after_fork()


def _kind(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeouts"
    return "refused" if isinstance(error, ValueError) else "unreachable"


def _detail(answer: Answer) -> str:
    try:
        return str(loads(answer.body)["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return "without a reason"


def _stand_in(facts: Mapping[str, object]) -> Ruleset:
    """Return a ruleset without rules that reports the fields and bounds of the agent's ruleset."""
    named = facts.get("reads")
    reads = [name for name in named if name in FIELDS] if isinstance(named, list) else list(_ASSUMED)
    max_delay = facts.get("max_delay")
    settings = Settings(max_delay=float(max_delay)) if isinstance(max_delay, int | float) else Settings()
    types = facts.get("file_types")
    file_types = tuple((str(a), str(b)) for a, b in types) if isinstance(types, list) else ()
    return Ruleset(
        name=str(facts.get("ruleset") or "agent"),
        rules=(),
        signals={},
        settings=settings,
        version=str(facts.get("version") or ""),
        file_types=file_types,
        mentioned={name: ir.Read(FIELDS[name]) for name in reads},
    )
