"""The node that the stand-in for NVML shows, which a test changes while it is looked at."""

from collections import Counter
from pathlib import Path

GIB = 1 << 30
LOST, NOT_SUPPORTED, NO_PERMISSION, NO_DRIVER, NO_FUNCTION, MISMATCH, UNKNOWN = 15, 3, 4, 9, 13, 18, 999
H100 = {
    "name": "NVIDIA H100 80GB HBM3",
    "memory_total": 80 * GIB,
    "memory_used": 20 * GIB,
    "memory_reserved": GIB,
    "utilization": 97,
    "memory_busy": 41,
    "temperature": 64,
    "memory_temperature": 71,
    "margin": 23,
    "power_mw": 612_345,
    "power_limit_mw": 700_000,
    "energy_mj": 5_000_500,
    "clock_sm": 1755,
    "clock_memory": 2619,
    "reasons": 0x4,
    "ecc": 0,
    "mig": 0,
    "pcie_tx_bytes": 1000,
    "pcie_rx_bytes": 2000,
    "nvlink_tx_kib": 10,
    "nvlink_rx_kib": 20,
    "processes": "",
}


class Node:
    """Subjects (``system gpu0 gpu0.mig1``) with their keys; every change is seen by the next call."""

    def __init__(self, path: Path, calls_path: Path) -> None:
        self.path = path
        self.calls_path = calls_path
        self.facts: dict[str, dict[str, object]] = {"system": {"driver": "580.126.09", "order": ""}}
        self.write()

    def add(self, subject: str = "gpu0", /, **facts: object) -> None:
        """Add an H100, which differs in *facts*; None takes a fact away."""
        order = [known for known in str(self.facts["system"]["order"]).split(",") if known]
        self.facts["system"]["order"] = ",".join([*order, subject])
        self.set(subject, **{"uuid": f"GPU-{subject}", **H100, **facts})

    def add_instance(self, subject: str, /, **facts: object) -> None:
        """Add the MIG instance ``gpu0.mig1``."""
        known = {"uuid": f"MIG-{subject}", "name": "NVIDIA H100 80GB HBM3 MIG 3g.40gb", "gpu_instance": 1}
        self.set(subject, **{**known, "memory_total": 40 * GIB, "memory_used": 10 * GIB, "processes": "", **facts})

    def set(self, subject: str, /, **facts: object) -> None:
        """Change facts of a subject; None takes one away."""
        self.facts.setdefault(subject, {}).update(facts)
        self.write()

    def fail(self, subject: str, function: str, code: int) -> None:
        """Let a function (``*`` for all) fail with an error; 0 heals it."""
        self.set(subject, **{f"error.{function}": code or None})

    def hang(self, subject: str, function: str = "*", seconds: float = 60) -> None:
        """Let a function (``*`` for all) hang; 0 heals it."""
        self.set(subject, **{f"hang.{function}": seconds or None})

    def remove(self, subject: str) -> None:
        """Take a subject away; a GPU leaves the order, so those after it move up."""
        del self.facts[subject]
        order = [known for known in str(self.facts["system"]["order"]).split(",") if known != subject]
        self.facts["system"]["order"] = ",".join(order)
        self.write()

    def write(self) -> None:
        """Show the node as it is now, at one stroke."""
        lines = [
            f"{subject} {key} {value}\n"
            for subject, facts in self.facts.items()
            for key, value in facts.items()
            if value is not None
        ]
        new = self.path.with_suffix(".new")
        new.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
        new.replace(self.path)

    def calls(self) -> Counter[str]:
        """Return how often each function was called since the last time, and forget it."""
        if not self.calls_path.exists():
            return Counter()
        names = [line.split()[0] for line in self.calls_path.read_text().splitlines()]
        self.calls_path.unlink()
        return Counter(names)
