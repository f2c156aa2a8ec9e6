"""Telemetry of a simulated node, for trying out rules: deterministic, and without a clock."""

from collections.abc import Iterator, Mapping

from gpurules.model import Snapshot
from gpurules.telemetry.simulation.node import simulate
from gpurules.telemetry.simulation.recording import write_recording
from gpurules.telemetry.simulation.scenario import START, Scenario
from gpurules.telemetry.simulation.storage import simulate_transfers
from gpurules.telemetry.source import EndOfTelemetry, SourceOptions

__all__ = ["Scenario", "Synthetic", "SyntheticFactory", "simulate_transfers", "write_recording"]


class Synthetic:
    """A simulated node, read snapshot by snapshot.

    >>> source = Synthetic(Scenario(gpus=2, seconds=60, interval=20))
    >>> [len(snapshot.gpus) for snapshot in source]
    [2, 2, 2]
    """

    name = "synthetic"

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.scenario = scenario or Scenario()
        self._snapshots = simulate(self.scenario)

    def read(self) -> Snapshot:
        """Return the next snapshot.

        Raises:
            EndOfTelemetry: the simulated time is over.
        """
        snapshot = next(self._snapshots, None)
        if snapshot is None:
            raise EndOfTelemetry(f"the simulation ends after {self.scenario.seconds:g} seconds")
        return snapshot

    def __iter__(self) -> Iterator[Snapshot]:
        return self._snapshots

    def close(self) -> None:
        """End the simulation."""
        self._snapshots = iter(())


class SyntheticFactory:
    """Opens ``synthetic:gpus=4,seconds=3600,seed=7``."""

    name = "synthetic"
    summary = "a simulated node"

    def open(self, argument: str, options: Mapping[str, object]) -> Synthetic:
        """Return the simulation that the options describe; see :class:`Scenario` for them and their defaults.

        Raises:
            TelemetryError: an option is unknown or invalid.
        """
        taken = SourceOptions.parse(self.name, argument, options)
        scenario = Scenario(
            gpus=taken.whole("gpus", 4, 0, 1024),
            seconds=taken.number("seconds", 3600.0),
            interval=taken.number("interval", 10.0, 0.001),
            seed=taken.whole("seed", 7),
            start=taken.number("start", START),
            host=taken.text("host") or "node-1",
            mig=bool(taken.whole("mig", 0, 0, 1)),
            faults=bool(taken.whole("faults", 1, 0, 1)),
        )
        taken.finish()
        return Synthetic(scenario)
