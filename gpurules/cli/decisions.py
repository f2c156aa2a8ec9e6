"""Says what a decision asks, in words."""

from gpurules.actions.decision import Decision
from gpurules.model import Dimension, format_amount, format_duration


def effects(decision: Decision, of_node: bool = False) -> list[str]:
    """Return what *decision* asks of its transfer; with *of_node* also what it asks of every transfer alike."""
    asked = []
    if decision.paused:
        asked.append("paused")
    if decision.delay > 0:
        asked.append(f"delay {format_duration(decision.delay)}")
    if decision.priority_boost:
        asked.append(f"priority {decision.priority_boost:+g}")
    if decision.stage is not None:
        asked.append(f"stage in {decision.stage.area}" if decision.stage.area else "stage")
    if of_node and decision.prefetch_factor != 1:
        asked.append(f"prefetch {decision.prefetch_factor:.2f}")
    if decision.max_bandwidth is not None:
        asked.append(f"at most {format_amount(decision.max_bandwidth, Dimension.BYTES_PER_SECOND)}")
    if decision.max_concurrency is not None:
        asked.append(f"at most {decision.max_concurrency} at once")
    return asked
