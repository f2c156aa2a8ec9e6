"""An engine in this process, for a node without an agent."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gpurules.actions.explained import ExplainedDecision
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.engine.coordinator import on_news
from gpurules.model import Transfer, Workload


class LocalAgent(Coordinator):
    """Decides by a ruleset on this node's telemetry. Effects are not run, which is the task of an agent.

    Raises:
        RulesetError: the ruleset is invalid.
    """

    def __init__(self, ruleset: str | Path, source: str = "auto") -> None:
        super().__init__(ruleset, source, options=CoordinatorOptions(dry_run=True))
        self.__enter__()

    def explain(self, transfer: Transfer | None = None, workload: Workload | None = None) -> ExplainedDecision:
        """Return why each rule matches or not."""
        return self.decide(transfer, workload).explain()

    def directives(self) -> Mapping[str, object]:
        """Return the directives of the node."""
        return self.decide().directives

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* whenever decisions may have changed; return a function that stops this."""
        return on_news(self, callback)
