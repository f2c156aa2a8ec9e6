"""Laws of the transfer scheduler, by a clock that the tests hold."""

from collections import Counter
from copy import deepcopy
from math import inf

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from gpurules.governor.errors import QueueFull
from gpurules.governor.requirements import HoldClaim, Requirements
from gpurules.governor.scheduling.entry import Limits, TransferEntry
from gpurules.governor.scheduling.scheduler import Scheduler
from gpurules.governor.scheduling.slots import YIELD_SLOTS
from gpurules.model import Transfer

MAX_DELAY = 50.0
SLOTS = 3
CAP, RATE = 2, 7.0

holds = st.lists(
    st.builds(
        HoldClaim,
        rule=st.sampled_from(["hot", "full", "busy"]),
        action=st.just("delay_transfer"),
        seconds=st.one_of(st.integers(1, 80), st.just(inf)),
        early_release=st.booleans(),
        pauses_running=st.booleans(),
    ),
    max_size=3,
)
demands = st.builds(
    Requirements,
    holds=holds.map(tuple),
    boost=st.sampled_from([0, 0, 10, -10]),
    bandwidth=st.sampled_from([(), (("slow", RATE),)]),
    concurrency=st.sampled_from([(), (("few", CAP),)]),
)


class SchedulerMachine(RuleBasedStateMachine):
    """Anything may be done in any order; nothing is ever lost, run twice, or beyond its limits."""

    entries = Bundle("entries")
    parts = Bundle("parts")

    slots: int | None = SLOTS

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.the = Scheduler(Limits(slots=self.slots, queue=5))
        self.the.max_delay = MAX_DELAY
        self.all_entries = []
        self.open = set()
        self.granted = set()
        self.withdrawn = set()
        self.paid = []

    def advance(self):
        for request in self.the.advance(self.now):
            assert request in self.open, "answered twice, or never asked"
            self.open.discard(request)
            if request.error is None:
                self.note_granted(request)

    def note_granted(self, request):
        assert request not in self.granted
        self.granted.add(request)
        if request.entry.requirements.concurrency:
            assert sum(bool(other.entry.requirements.concurrency) for other in self.the.slots.moving) <= CAP
        if request.entry.requirements.bandwidth:
            self.paid.append((self.now, request.size))

    @rule(target=entries, priority=st.sampled_from([None, 0, 5, -5]), patience=st.sampled_from([inf, inf, 200.0]))
    def submit(self, priority, patience):
        name = f"t{len(self.all_entries)}"
        entry = TransferEntry(name, Transfer(id=name, priority=priority), self.now, deadline=self.now + patience)
        try:
            self.the.submit(entry, self.now)
        except QueueFull:
            return multiple()
        self.all_entries.append(entry)
        return entry

    @rule(target=parts, entry=entries, size=st.integers(0, 20))
    def ask(self, entry, size):
        request = self.the.ask(entry, size, self.now)
        if request.error is None:
            self.open.add(request)
        self.advance()
        return request

    @rule(target=parts, entry=entries, size=st.integers(0, 20))
    def enter(self, entry, size):
        """The short way through does what asking and then advancing does."""
        kept = {id(one.transfer): one.transfer for one in self.all_entries}  # what cannot be copied, and never changes
        twin, twin_entry = deepcopy((self.the, entry), kept)
        expected = twin.ask(twin_entry, size, self.now)
        twin.advance(self.now)
        request = self.the.enter(entry, size, self.now)
        if request.granted_at is not None:
            self.note_granted(request)
        elif request.error is None:
            self.open.add(request)
        self.advance()
        assert (request.granted_at, request.rank, request.key) == (expected.granted_at, expected.rank, expected.key)
        assert (entry.state, self.the.counts) == (twin_entry.state, twin.counts)
        assert self.the.due() == twin.due()
        return request

    @rule(entry=entries, asked=demands)
    def take(self, entry, asked):
        self.the.take(entry, asked, self.now)
        self.advance()

    @rule(seconds=st.integers(0, 40))
    def wait(self, seconds):
        until = self.now + seconds
        while self.the.due() <= until:
            assert self.the.due() > self.now, "due in the past"
            self.now = self.the.due()
            self.advance()
        self.now = until
        self.advance()

    @rule(part=consumes(parts))
    def finish(self, part):
        if part in self.the.slots.moving:
            self.the.finish(part, part.size, self.now)
        elif part in self.open:
            self.the.withdraw(part, self.now)
            self.open.discard(part)
            self.withdrawn.add(part)
        self.advance()

    @rule(entry=consumes(entries))
    def cancel(self, entry):
        self.the.cancel(entry, self.now)
        self.advance()

    @invariant()
    def no_more_parts_move_than_there_are_slots(self):
        assert self.slots is None or len(self.the.slots.moving) <= self.slots
        assert self.the.slots.all.moving == len(self.the.slots.moving)
        assert sum(entry.moving for entry in self.all_entries) == len(self.the.slots.moving)

    @invariant()
    def every_part_is_in_one_place(self):
        waiting = {request for entry in self.all_entries for request in entry.waiting}
        assert waiting == self.open
        ready = set(self.the.ready)
        assert ready == {request for request in waiting if request.entry.held_until is None}
        assert not ready & self.the.slots.moving

    @invariant()
    def the_ready_are_in_order(self):
        keys = [request.ready_at - request.entry.priority for request in self.the.ready]
        assert keys == sorted(keys)

    @invariant()
    def no_transfer_is_held_beyond_the_patience(self):
        assert all(entry.holds.held_seconds(self.now) <= MAX_DELAY + 1e-6 for entry in self.all_entries)
        assert all(e.held_until is None or e.held_until > self.now - 1e-9 for e in self.the.entries.values())

    @invariant()
    def the_rate_holds_over_every_window(self):
        for first, (began, _) in enumerate(self.paid):
            started = 0.0
            for at, size in self.paid[first:]:
                assert started <= RATE * (at - began) + 1e-6
                started += size

    def teardown(self):
        """Whatever still waits moves, once no rule matches."""
        for entry in self.all_entries:
            self.the.take(entry, Requirements(), self.now)
        for _ in range(10_000):
            self.advance()
            for request in list(self.the.slots.moving):
                self.the.finish(request, request.size, self.now)
            if not self.open:
                break
            self.now = max(self.now, min(self.the.due(), self.now + 1))
        assert not self.open, "a part was lost"


TestScheduler = SchedulerMachine.TestCase


class UnlimitedMachine(SchedulerMachine):
    """The same without a limit of slots: a part that no rule concerns never waits."""

    slots = None

    @invariant()
    def a_part_that_no_rule_concerns_never_waits(self):
        live = self.the.entries.values()
        highest = max((entry.priority for entry in live), default=0)
        for request in self.the.ready:
            asked, yields = request.entry.requirements, request.entry.priority < highest
            assert asked.bandwidth or asked.concurrency or (yields and len(self.the.slots.moving) >= YIELD_SLOTS)

    @invariant()
    def the_priorities_are_those_of_the_transfers(self):
        assert self.the.slots.priorities == Counter(entry.priority for entry in self.the.entries.values())


TestUnlimited = UnlimitedMachine.TestCase


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=2, max_size=12),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_a_ready_transfer_is_overtaken_only_within_the_priority_gap_over_the_age_rate(arrivals, age_rate):
    the = Scheduler(Limits(slots=1, age_rate=age_rate))
    blocker = TransferEntry("blocker", Transfer(id="blocker"), 0.0)
    the.submit(blocker, 0.0)
    part = the.ask(blocker, 0, 0.0)
    the.advance(0.0)
    for number, (at, priority) in enumerate(sorted(arrivals)):
        entry = TransferEntry(f"t{number}", Transfer(id=f"t{number}", priority=priority), at)
        the.submit(entry, at)
        the.ask(entry, 0, at)
    the.finish(part, 0, 100)
    order = []
    while granted := the.advance(100):
        order += granted
        the.finish(granted[0], 0, 100)
    assert len(order) == len(arrivals)
    for position, late in enumerate(order):
        for overtaken in order[position + 1 :]:
            gap = late.entry.priority - overtaken.entry.priority
            assert late.ready_at - overtaken.ready_at <= gap / age_rate + 1e-9


@given(st.lists(st.tuples(holds, st.floats(0, 20)), max_size=30), st.booleans())
def test_looking_twice_is_looking_once(looks, has_begun):
    from gpurules.governor.scheduling.holds import Holds

    once, often = Holds(), Holds()
    now = 0.0
    for claims, wait in looks:
        once.take(claims, now)
        for step in range(3):
            often.take(claims, now)
            assert often.settle(now, has_begun, MAX_DELAY) == once.settle(now, has_begun, MAX_DELAY), step
        now += wait
