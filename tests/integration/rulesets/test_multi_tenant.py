"""``gpurules:multi-tenant``: shares between tenants."""

import pytest

from gpurules.model import Transfer
from gpurules.rules import load, loads
from tests.factories import dataset, engine, gpu, job, one_gpu, snapshot

TENANTS = load("gpurules:multi-tenant")
HOUR, MIB = 3600, 2**20


def of(tenant: object) -> Transfer:
    return dataset(labels={} if tenant is None else {"tenant": tenant})


@pytest.mark.parametrize(
    ("tenant", "boost"), [("production", 40), ("premium", 40), ("batch", -20), ("search", 0), (None, 0), (7, 0)]
)
def test_premium_overtakes_and_batch_lets_others_pass(tenant: object, boost: float) -> None:
    assert TENANTS.evaluate(one_gpu(), of(tenant)).priority_boost == boost


@pytest.mark.parametrize(
    ("pending", "tenant", "limit"),
    [
        (16, "search", None),
        (17, "search", 200 * MIB),
        (17, None, 200 * MIB),
        (17, "production", None),
    ],
)
def test_in_a_crowd_all_but_premium_get_a_share(pending: int, tenant: str | None, limit: float | None) -> None:
    decision = TENANTS.evaluate(one_gpu(), of(tenant), node={"pending_transfers": pending})
    assert decision.max_bandwidth == limit
    assert decision.max_concurrency == (None if limit is None else 2)


def test_a_crowd_is_over_ten_seconds_after_four_are_left() -> None:
    running = engine(TENANTS)
    limits = []
    for at, pending in [(0, 17), (5, 5), (10, 4), (15, 4), (20, 4), (25, 16)]:
        running.observe(one_gpu(at), node={"pending_transfers": pending})
        limits.append(running.decide(of("search")).max_bandwidth)
    assert limits == [200 * MIB] * 4 + [None, None]


@pytest.mark.parametrize(
    ("at", "limit"),
    [
        (7 * HOUR - 1, None),
        (7 * HOUR, 100 * MIB),
        (22 * HOUR - 1, 100 * MIB),
        (22 * HOUR, None),
    ],
)
def test_batch_has_the_nights(at: float, limit: float | None) -> None:
    assert TENANTS.evaluate(one_gpu(at), of("batch")).max_bandwidth == limit
    assert TENANTS.evaluate(one_gpu(at), of("search")).max_bandwidth is None


@pytest.mark.parametrize(
    ("devices", "delay"), [([0], 30), ([1], 0), ([0, 1], 30), ([], 0)], ids=["own", "another's", "both", "none known"]
)
def test_batch_waits_only_for_the_gpus_of_its_own_job(devices: list[int], delay: float) -> None:
    current = snapshot(gpu(0, memory=86), gpu(1, memory=50))
    assert TENANTS.evaluate(current, of("batch"), job(gpu_devices=devices)).delay == delay
    assert TENANTS.evaluate(current, of("search"), job(gpu_devices=devices)).delay == 0


def test_a_full_gpu_has_room_again_below_80_percent() -> None:
    running = engine(TENANTS)
    delays = []
    for step, memory in enumerate([85, 86, 84, 80, 79]):
        running.observe(one_gpu(5 * step, memory=memory))
        delays.append(running.decide(of("batch"), job()).delay)
    assert delays == [0, 30, 30, 30, 0]


def test_a_site_says_who_is_who_and_when_it_is_night() -> None:
    site = loads(
        "version: 1\nname: site\nextends: [{from: gpurules:multi-tenant, with: {night: 20:00}}]\n"
        "define: {premium_tenants: ['search'], batch_tenants: ['indexing']}\n"
    )
    assert site.evaluate(one_gpu(), of("search")).priority_boost == 40
    assert site.evaluate(one_gpu(), of("production")).priority_boost == 0
    assert site.evaluate(one_gpu(20 * HOUR), of("indexing")).max_bandwidth is None


def test_missing_telemetry_starts_nothing() -> None:
    for nothing in (snapshot(), one_gpu()):
        assert TENANTS.evaluate(nothing, of("batch"), job()).rules == ("batch_tenants_last",)
        assert TENANTS.evaluate(nothing, of(None), job()).rules == ()
