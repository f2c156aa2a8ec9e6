"""The snapshots of a simulated node."""

from collections.abc import Iterator
from random import Random

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.simulation.device import Device
from gpurules.telemetry.simulation.scenario import Scenario

DRIVER = "580.105.08"
GOOD_COOLING, BAD_COOLING = 0.072, 0.103
"""Celsius above the inlet for each watt."""
HEAT_WAVE = (0.50, 0.68)
LOST = (0.36, 0.44)
"""The share of the time in which the inlet is hot, and in which a GPU is lost."""
OMISSIONS = ("power", "memory_used", "utilization", "temperature")
OMITTED = 0.012
"""How often one value of one GPU is missing."""


def _inlet(share: float) -> float:
    """Return the temperature of the air, which rises by 8 celsius while the cooling of the room is weak."""
    start, end = HEAT_WAVE
    if not start < share < end:
        return 24.0
    return 24.0 + 8.0 * min(1.0, (share - start) * 25, (end - share) * 25)


def simulate(scenario: Scenario) -> Iterator[Snapshot]:
    """Yield the snapshots of *scenario*."""
    rng = Random(f"{scenario.seed}/faults")
    devices = [
        Device(
            index,
            scenario.seed,
            BAD_COOLING if index == 1 else GOOD_COOLING,
            partitioned=scenario.mig and index == scenario.gpus - 1,
        )
        for index in range(scenario.gpus)
    ]
    for step in range(scenario.steps):
        share = step / scenario.steps
        gpus: list[GPU] = []
        for index, device in enumerate(devices):
            omit = OMISSIONS[rng.randrange(len(OMISSIONS))] if rng.random() < OMITTED and scenario.faults else None
            if scenario.faults and index == 2 and LOST[0] <= share < LOST[1]:
                device.reset()
                gpus.append(device.lost_gpu())
            else:
                gpus.extend(device.advance(scenario.interval, _inlet(share), omit))
        yield Snapshot(timestamp=scenario.time(step), host=scenario.host, driver_version=DRIVER, gpus=tuple(gpus))
