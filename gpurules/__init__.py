"""A declarative rule engine for machines where GPUs and storage work together.

>>> import gpurules
>>> condition = gpurules.Condition("gpu_memory > 80 AND file_type == 'model'")
>>> snapshot = gpurules.Snapshot(gpus=(gpurules.GPU(index=0, memory_used=90, memory_total=100),))
>>> condition.evaluate(snapshot, transfer=gpurules.Transfer(path="/m/a.safetensors")).value
True
"""

TYPE_CHECKING = False  # typing and importlib take most of the time that importing the package would take
if TYPE_CHECKING:
    from gpurules.actions.decision import Decision
    from gpurules.actions.registration import action
    from gpurules.engine import Coordinator, Engine
    from gpurules.linter import lint
    from gpurules.model import GPU, Snapshot, Transfer, Workload
    from gpurules.remote import aconnect, connect
    from gpurules.rules import Condition, ConditionError, Ruleset, RulesetError, load, loads
    from gpurules.service.state_file import StateFile

__all__ = [
    "GPU",
    "Condition",
    "ConditionError",
    "Coordinator",
    "Decision",
    "Engine",
    "Ruleset",
    "RulesetError",
    "Snapshot",
    "StateFile",
    "Transfer",
    "Workload",
    "aconnect",
    "action",
    "connect",
    "lint",
    "load",
    "loads",
]

# Each name is imported when it is first used, so that importing the package costs next to nothing (ADR 0002).
_HOMES = {
    "Condition": "gpurules.rules",
    "ConditionError": "gpurules.rules",
    "Coordinator": "gpurules.engine.coordinator",
    "Decision": "gpurules.actions.decision",
    "Engine": "gpurules.engine.engine",
    "GPU": "gpurules.model",
    "Ruleset": "gpurules.rules",
    "RulesetError": "gpurules.rules",
    "Snapshot": "gpurules.model",
    "StateFile": "gpurules.service.state_file",
    "Transfer": "gpurules.model",
    "Workload": "gpurules.model",
    "aconnect": "gpurules.remote",
    "action": "gpurules.actions.registration",
    "connect": "gpurules.remote",
    "lint": "gpurules.linter",
    "load": "gpurules.rules",
    "loads": "gpurules.rules",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gpurules' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names too, imported or not."""
    return sorted({*globals(), *__all__})
