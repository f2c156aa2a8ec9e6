"""A declarative rule engine for machines where GPUs and storage work together.

>>> import gpurules
>>> condition = gpurules.Condition("gpu_memory > 80 AND file_type == 'model'")
>>> snapshot = gpurules.Snapshot(gpus=(gpurules.GPU(index=0, memory_used=90, memory_total=100),))
>>> condition.evaluate(snapshot, transfer=gpurules.Transfer(path="/m/a.safetensors")).value
True
"""

from gpurules.actions.decision import Decision
from gpurules.actions.registration import action
from gpurules.engine import Engine
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules import Condition, ConditionError, Ruleset, RulesetError, lint, load, loads

__all__ = [
    "GPU",
    "Condition",
    "ConditionError",
    "Decision",
    "Engine",
    "Ruleset",
    "RulesetError",
    "Snapshot",
    "Transfer",
    "Workload",
    "action",
    "lint",
    "load",
    "loads",
]
