"""The engines that gpurules is measured beside, each used as its own documentation says is best.

An engine gets conditions once, to compile, and then facts in the form that it takes: that conversion is not measured.
Facts have no missing values, which most of these engines could not distinguish from false.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol, TypeAlias

from gpurules import Snapshot, Transfer

Facts: TypeAlias = Any
Evaluator: TypeAlias = Callable[[Facts], list[int]]
"""From facts to the numbers of the rules that match."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the four forms of the original rules, with its own threshold.

    ``form``: ``hot``, ``model_when_full``, ``full`` or ``large_in_training``. Units: celsius, percent or bytes.
    """

    form: str
    limit: int


FORMS = ("hot", "model_when_full", "full", "large_in_training")
FOUR = (Rule("hot", 87), Rule("model_when_full", 80), Rule("full", 85), Rule("large_in_training", 104857600))


def many_rules(count: int) -> list[Rule]:
    """Return *count* rules of the four forms with different thresholds; few of them match."""
    lows = {"hot": 80, "model_when_full": 85, "full": 88, "large_in_training": 4 * 1024**3 - 10**8}
    steps = {"hot": 10, "model_when_full": 7, "full": 4, "large_in_training": 10**8}
    return [
        Rule(form, lows[form] + steps[form] * (number // 4) // max(1, count // 4))
        for number in range(count)
        for form in [FORMS[number % 4]]
    ]


def gpurules_text(rules: Sequence[Rule]) -> str:
    """Return the ruleset of *rules*, in their order."""
    spelled = {
        "hot": "gpu_temperature > {}C",
        "model_when_full": "file_type == 'model' AND gpu_memory > {}%",
        "full": "gpu_memory > {}%",
        "large_in_training": "active_training AND transfer_size > {}B",
    }
    lines = [
        f'- {{name: r{n}, condition: "{spelled[r.form].format(r.limit)}", action: increase_priority,'
        " parameters: {priority_boost: 1}}"
        for n, r in enumerate(rules)
    ]
    return "version: 1\nname: measured\nrules:\n" + "\n".join(lines)


def plain(snapshot: Snapshot, transfer: Transfer) -> dict[str, Any]:
    """Return the facts as plain data."""
    return {
        "gpus": [{"temperature": float(g.temperature or 0), "memory": float(g.memory or 0)} for g in snapshot.gpus],
        "file_type": transfer.file_type,
        "size": float(transfer.size or 0),
        "active_training": False,
    }


class Peer(Protocol):
    """An engine."""

    package: str

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        ...

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        ...


class _OnPlainData:
    """Takes plain data as it is."""

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        return plain(snapshot, transfer)


_CEL = {
    "hot": "gpus.exists(g, g.temperature > {}.0)",
    "model_when_full": "file_type == 'model' && gpus.exists(g, g.memory > {}.0)",
    "full": "gpus.exists(g, g.memory > {}.0)",
    "large_in_training": "active_training && size > {}.0",
}


def _spelled(forms: Mapping[str, str], rules: Sequence[Rule]) -> list[str]:
    return [forms[rule.form].format(rule.limit) for rule in rules]


class _OnEachGpu:
    """Takes the facts of one GPU with those of the transfer, one after the other: six times as quick as a list of GPUs.

    A rule is evaluated on each GPU until one matches; a rule that reads no GPU is evaluated once.
    """

    _FORMS: ClassVar = {
        "hot": "temperature > {}",
        "model_when_full": "file_type == 'model' and memory > {}",
        "full": "memory > {}",
        "large_in_training": "active_training and size > {}",
    }

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        facts = plain(snapshot, transfer)
        gpus = facts.pop("gpus")
        return [{**facts, **gpu} for gpu in gpus]

    def texts(self, rules: Sequence[Rule]) -> list[tuple[int, str, int | None]]:
        """Return the number of each rule, its text, and how many GPUs it looks at (None: all)."""
        spelled = _spelled(self._FORMS, rules)
        return [
            (n, text, 1 if r.form == "large_in_training" else None)
            for n, (r, text) in enumerate(zip(rules, spelled, strict=True))
        ]


class RuleEngine(_OnEachGpu):
    """Pure Python: a rule is compiled once, ``matches`` is called for each object."""

    package = "rule-engine"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        rule_engine = import_module("rule_engine")
        compiled = [(n, rule_engine.Rule(text).matches, gpus) for n, text, gpus in self.texts(rules)]

        def evaluate(facts: Facts) -> list[int]:
            found = []
            for number, matches, gpus in compiled:
                for gpu in facts[:gpus]:
                    if matches(gpu):
                        found.append(number)
                        break
            return found

        return evaluate


class CelPython:
    """CEL in pure Python: a program is made once; activations are CEL's own types, converted before."""

    package = "cel-python"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        celpy = import_module("celpy")
        environment = celpy.Environment(runner_class=getattr(celpy, "CompiledRunner", None))
        programs = [(n, environment.program(environment.compile(text))) for n, text in enumerate(_spelled(_CEL, rules))]
        return lambda facts: [number for number, program in programs if program.evaluate(facts)]

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        converted = import_module("celpy").json_to_cel(plain(snapshot, transfer))
        return {str(key): value for key, value in converted.items()}


class CelRust:
    """CEL in Rust (common-expression-language): programs and contexts are made once."""

    package = "common-expression-language"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        cel = import_module("cel")
        programs = [(n, cel.compile(text)) for n, text in enumerate(_spelled(_CEL, rules))]
        return lambda facts: [number for number, program in programs if program.execute(facts)]

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        return import_module("cel").Context(plain(snapshot, transfer))


class CelCpp:
    """CEL in C++ (cel-expr-python): checked expressions, and an activation for each set of facts, made before."""

    package = "cel-expr-python"

    def __init__(self) -> None:
        cel = import_module("cel_expr_python.cel")
        gpu = cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE)
        self._environment = cel.NewEnv(
            variables={
                "gpus": cel.Type.List(gpu),
                "file_type": cel.Type.STRING,
                "size": cel.Type.DOUBLE,
                "active_training": cel.Type.BOOL,
            }
        )

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        programs = [(n, self._environment.compile(text)) for n, text in enumerate(_spelled(_CEL, rules))]
        return lambda facts: [number for number, program in programs if program.eval(facts).value()]

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        return self._environment.Activation(plain(snapshot, transfer))


_ZEN = {
    "hot": "some(gpus, #.temperature > {})",
    "model_when_full": "file_type == 'model' and some(gpus, #.memory > {})",
    "full": "some(gpus, #.memory > {})",
    "large_in_training": "active_training and size > {}",
}


class _OnJson:
    """Takes JSON, which Zen reads quicker than dicts."""

    def facts(self, snapshot: Snapshot, transfer: Transfer) -> Facts:
        """Return facts as the engine takes them."""
        return json.dumps(plain(snapshot, transfer))


class ZenExpressions(_OnJson):
    """Zen in Rust, one compiled expression for each rule; reading the JSON is part of its evaluation."""

    package = "zen-engine"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        zen = import_module("zen")
        compiled = [(n, zen.compile_expression(text)) for n, text in enumerate(_spelled(_ZEN, rules))]
        return lambda facts: [number for number, expression in compiled if expression.evaluate(facts)]


class ZenDecision(_OnJson):
    """Zen in Rust, all rules in one expression node of one decision, asked with the facts as JSON."""

    package = "zen-engine, one decision"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        zen = import_module("zen")
        expressions = [{"id": f"e{n}", "key": f"r{n}", "value": text} for n, text in enumerate(_spelled(_ZEN, rules))]
        nodes = [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "all", "name": "all", "type": "expressionNode", "content": {"expressions": expressions}},
            {"id": "out", "name": "out", "type": "outputNode"},
        ]
        edges = [
            {"id": "a", "sourceId": "in", "targetId": "all", "type": "edge"},
            {"id": "b", "sourceId": "all", "targetId": "out", "type": "edge"},
        ]
        decision = zen.ZenEngine().create_decision(zen.ZenDecisionContent(json.dumps({"nodes": nodes, "edges": edges})))
        keys = [f"r{n}" for n in range(len(rules))]

        def evaluate(facts: Facts) -> list[int]:
            result = decision.evaluate(facts)["result"]
            return [number for number, key in enumerate(keys) if result[key]]

        return evaluate


class SimpleEval(_OnEachGpu):
    """Python expressions walked over safely: each is parsed once, names are set for each GPU."""

    package = "simpleeval"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        evaluator = import_module("simpleeval").SimpleEval()
        parsed = [(n, text, evaluator.parse(text), gpus) for n, text, gpus in self.texts(rules)]

        def evaluate(facts: Facts) -> list[int]:
            found = []
            for number, text, tree, gpus in parsed:
                for gpu in facts[:gpus]:
                    evaluator.names = gpu
                    if evaluator.eval(text, previously_parsed=tree):
                        found.append(number)
                        break
            return found

        return evaluate


class JsonLogic(_OnPlainData):
    """JsonLogic in pure Python."""

    package = "panzi-json-logic"

    def compile(self, rules: Sequence[Rule]) -> Evaluator:
        """Return what evaluates *rules*."""
        apply = import_module("json_logic").jsonLogic
        logics = [(number, self._logic(rule)) for number, rule in enumerate(rules)]
        return lambda facts: [number for number, logic in logics if apply(logic, facts)]

    @staticmethod
    def _logic(rule: Rule) -> dict[str, Any]:
        def some(key: str) -> dict[str, Any]:
            return {"some": [{"var": "gpus"}, {">": [{"var": key}, rule.limit]}]}

        match rule.form:
            case "hot":
                return some("temperature")
            case "full":
                return some("memory")
            case "model_when_full":
                return {"and": [{"==": [{"var": "file_type"}, "model"]}, some("memory")]}
            case _:
                return {"and": [{"var": "active_training"}, {">": [{"var": "size"}, rule.limit]}]}


PEERS: tuple[type[Peer], ...] = (
    ZenExpressions,
    ZenDecision,
    CelCpp,
    CelRust,
    RuleEngine,
    JsonLogic,
    SimpleEval,
    CelPython,
)
