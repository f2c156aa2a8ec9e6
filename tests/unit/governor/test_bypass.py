"""Parts of a transfer that no rule concerns go past the scheduler, as long as that is so."""

import itertools
import threading

import pytest

from gpurules import GPU, Engine, Snapshot, Transfer, loads
from gpurules.governor import Governor, Limits, TransferCancelled

RULES = """
version: 1
name: heat
rules:
  - {name: rest, condition: gpu_temperature > 85, action: delay_transfer, parameters: {delay: 30s, running: pause}}
"""


class Node:
    def __init__(self, limits=None):
        self._times = itertools.count(1.0)
        self.engine = Engine(loads(RULES), clock=lambda: 0.0)
        self.governor = Governor(self.engine, limits)
        self.heat(40)

    def heat(self, temperature):
        self.engine.observe(Snapshot(timestamp=next(self._times), gpus=(GPU(index=0, temperature=temperature),)))
        self.governor.refresh()

    def begun(self, **more):
        ticket = self.governor.transfer(Transfer(path="/a"), **more)
        with ticket.part(1):
            pass
        return ticket

    @property
    def slots_taken(self):
        return self.governor.status().slots_taken


def goes_past(node, ticket):
    with ticket.part(10):
        return node.slots_taken == 0


def test_the_first_part_takes_a_slot_and_those_after_it_go_past():
    node = Node()
    ticket = node.governor.transfer(Transfer(path="/a"))
    assert not goes_past(node, ticket)
    assert goes_past(node, ticket) and goes_past(node, ticket)


def test_what_went_past_is_counted_as_what_was_let_through():
    counts = []
    for limits in (None, Limits(slots=100)):
        node = Node(limits)
        with node.governor.transfer(Transfer(path="/a")) as ticket:
            for size, moved in ((10, None), (10, 4), (0, 7)):
                with ticket.part(size) as part:
                    if moved is not None:
                        part.report_moved(moved)
            with pytest.raises(OSError), ticket.part(10):
                raise OSError
        status = node.governor.status()
        counts.append((status.counts.parts, status.counts.bytes_moved, ticket.entry.bytes_moved, ticket.entry.moving))
    assert counts[0] == counts[1] == (4, 21, 21, 0)


def test_a_rule_that_begins_to_match_pauses_at_the_next_part():
    node = Node()
    ticket = node.begun()
    assert goes_past(node, ticket)
    node.heat(90)
    moved = []
    thread = threading.Thread(target=lambda: moved.append(goes_past(node, ticket)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and ticket.state == "paused"
    node.heat(40)
    thread.join(5)
    assert moved == [False]
    assert goes_past(node, ticket), "and when it has ended, parts go past again"


def test_a_transfer_that_was_stopped_moves_no_further_part():
    node = Node()
    ticket = node.begun()
    ticket.cancel()
    with pytest.raises(TransferCancelled), ticket.part(1):
        pass
    other = node.begun()
    with pytest.raises(TransferCancelled), other.part(1) as part:
        other.cancel()
        part.report_moved(1)


CLOSING = {
    "a limit": lambda node: None,
    "a rate": lambda node: node.governor.set_rate("all", 1e12),
    "a rate of its class": lambda node: node.governor.set_rate("normal", 1e12),
    "another priority": lambda node: node.governor.transfer(Transfer(path="/b", priority=3)),
}


@pytest.mark.parametrize("reason", CLOSING)
def test_parts_ask_where_anything_but_rules_could_hold_them_up(reason):
    node = Node(Limits(slots=100) if reason == "a limit" else None)
    ticket = node.begun()
    CLOSING[reason](node)
    assert not goes_past(node, ticket)


@pytest.mark.parametrize("times", [{"lease_seconds": 10}, {"deadline_seconds": 10}])
def test_a_transfer_with_a_lease_or_a_deadline_asks_for_each_part(times):
    node = Node()
    assert not goes_past(node, node.begun(**times))


def test_tasks_go_past_too():
    import asyncio

    node = Node()
    ticket = node.begun()

    async def move():
        async with ticket.part(5):
            return node.slots_taken

    assert asyncio.run(move()) == 0 and ticket.entry.bytes_moved == 6


def test_a_part_with_a_lane_waits_for_its_place():
    from gpurules.governor import Lane

    node, lane = Node(), Lane(1)
    ticket = node.begun()
    with ticket.part(1, lane):
        assert (lane.moving, node.slots_taken) == (1, 1)
