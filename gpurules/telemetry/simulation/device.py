"""One simulated GPU: load draws power, power produces heat, heat causes throttling."""

from random import Random

from gpurules.model import GPU
from gpurules.telemetry.mig import Instance, with_instances
from gpurules.telemetry.simulation.load import Load, LoadPhase

MEBIBYTE = 1 << 20
MEMORY_TOTAL = 81559 * MEBIBYTE
POWER_LIMIT = 700
FULL_CLOCK, SLOW_CLOCK, IDLE_CLOCK = 1_980_000_000, 1_410_000_000, 345_000_000
SLOWDOWN, RECOVERED = 88.0, 84.0
"""Celsius at which the thermal brake goes on and off."""
_LOST = "gpu is lost"
_SOUND: dict[str, float | bool] = {
    "ecc_errors": 0, "ecc_errors_corrected": 0, "ecc_errors_sram": 0, "ecc_errors_dram": 0,
    "ecc_errors_corrected_sram": 0, "ecc_errors_corrected_dram": 0, "row_remap_pending": False,
    "row_remap_failure": False, "rows_remapped_correctable": 0, "rows_remapped_uncorrectable": 0, "pcie_replays": 0,
    "pcie_gen": 5, "pcie_gen_max": 5, "pcie_width": 16, "pcie_width_max": 16, "nvlink_errors": 0,
    "memory_temperature_limit": 95,
}  # fmt: skip
"""What a GPU says of its health that has suffered nothing."""
_PROFILES = (("3g.40gb", 0.55), ("2g.20gb", 0.45))


def _toward(now: float, aim: float, share: float) -> float:
    return now + (aim - now) * min(1.0, share)


def _throttle(slowed: bool, capped: bool) -> dict[str, bool]:
    heat = dict.fromkeys(("throttled", "throttle_thermal", "throttle_hw_slowdown", "throttle_hw_thermal"), slowed)
    power = dict.fromkeys(("throttle_power", "throttle_sw_power_cap"), capped)
    never = ("throttle_hw_power_brake", "throttle_sw_thermal", "throttle_sync_boost")
    return {**heat, **power, **dict.fromkeys(never, False)}


class Device:
    """A GPU that is simulated step by step."""

    def __init__(self, index: int, seed: int, cooling: float, *, partitioned: bool = False) -> None:
        self._rng = Random(f"{seed}/{index}")
        self._index = index
        digits = f"{self._rng.getrandbits(128):032x}"
        self._uuid = f"GPU-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        self._cooling = cooling
        self._partitioned = partitioned
        self._load = Load(self._rng)
        self._memory, self._power, self._temperature, self._energy = 1.0, 75.0, 34.0, 0.0
        self._slowed = False

    def reset(self) -> None:
        """Lose the job, the memory and the counters, as a GPU that fell off the bus does."""
        self._load.restart()
        self._memory, self._energy, self._slowed = 1.0, 0.0, False

    def lost_gpu(self) -> GPU:
        """Return the facts of the GPU that remain known while it does not respond."""
        self._temperature = _toward(self._temperature, 34, 0.1)
        missing = dict.fromkeys(("memory_used", "memory_total", "utilization", "temperature", "power"), _LOST)
        return GPU(index=self._index, uuid=self._uuid, vendor="nvidia", status="lost", healthy=False, missing=missing)

    def advance(self, seconds: float, inlet: float, omit: str | None = None) -> tuple[GPU, ...]:
        """Advance by *seconds* with air of *inlet* celsius, and return the GPU with its MIG instances.

        *omit* names a value that the driver fails to report this time.
        """
        phase = self._load.advance(seconds)
        noise = self._rng.random
        utilization = max(0.0, min(100.0, phase.utilization + 4 * noise() - 3)) if phase.processes else 0.0
        self._memory = max(0.5, min(98.5, _toward(self._memory, phase.memory, seconds / 25) + noise() - 0.5))
        wanted = 70 + 6.4 * utilization + 30 * noise()
        capped = wanted > POWER_LIMIT
        self._power = min(POWER_LIMIT, wanted) * (0.72 if self._slowed else 1.0)
        self._temperature = _toward(self._temperature, inlet + self._power * self._cooling, seconds / 90)
        self._slowed = self._temperature > (RECOVERED if self._slowed else SLOWDOWN)
        self._energy += self._power * seconds
        gpu = self._facts(phase, utilization, capped, omit)
        return with_instances(gpu, self._instances(gpu)) if self._partitioned else (gpu,)

    def _facts(self, phase: LoadPhase, utilization: float, capped: bool, omit: str | None) -> GPU:
        noise = self._rng.random
        clock = SLOW_CLOCK if self._slowed else FULL_CLOCK if utilization else IDLE_CLOCK
        numbers: dict[str, float | None] = {
            "memory_used": int(self._memory * MEMORY_TOTAL / 100) // MEBIBYTE * MEBIBYTE,
            "utilization": int(utilization),
            "memory_busy": int(phase.busy * (0.9 + 0.2 * noise())),
            "temperature": int(self._temperature),
            "memory_temperature": int(self._temperature * 0.9 + 9),
            "temperature_margin": int(SLOWDOWN - self._temperature),
            "power": round(self._power, 1),
            "energy": round(self._energy, 1),
            "clock_sm": clock,
            "pcie_rx": int(phase.rx * (0.8 + 0.4 * noise())),
            "pcie_tx": int(phase.tx * (0.8 + 0.4 * noise())),
            "process_count": phase.processes,
        }
        if omit is not None:
            numbers[omit] = None
        return GPU(
            index=self._index,
            uuid=self._uuid,
            name="NVIDIA H100 80GB HBM3",
            vendor="nvidia",
            status="ok" if omit is None else "degraded",
            memory_total=MEMORY_TOTAL,
            power_limit=POWER_LIMIT,
            **_SOUND,  # type: ignore[arg-type]
            **_throttle(self._slowed, capped),  # type: ignore[arg-type]
            mig=False,
            missing={} if omit is None else {omit: "unknown error"},
            **numbers,  # type: ignore[arg-type]
        )

    def _instances(self, gpu: GPU) -> tuple[Instance, ...]:
        """Return the parts of a partitioned GPU, which share its memory in fixed proportions."""
        parts = []
        for position, (profile, share) in enumerate(_PROFILES):
            used = None if gpu.memory_used is None else int(gpu.memory_used * share) // MEBIBYTE * MEBIBYTE
            facts = GPU(
                memory_total=int(MEMORY_TOTAL * share) // MEBIBYTE * MEBIBYTE,
                memory_used=used,
                process_count=gpu.process_count if position == 0 else 0,
                missing=gpu.missing,
            )
            digits = f"{Random(f'{self._uuid}/{position}').getrandbits(128):032x}"
            uuid = f"MIG-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
            parts.append(Instance(position, position + 1, 0, facts, uuid=uuid, profile=profile))
        return tuple(parts)
