"""The JSON Schemas of requests and responses. Those of facts are generated from the tables that validate them."""

from collections.abc import Mapping

from gpurules.facts.attributes import Attribute, AttributeShape, attributes
from gpurules.fields import Field
from gpurules.model import Kind

JSONSchema = dict[str, object]
_INDEX: JSONSchema = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        {"type": "string", "pattern": "^[0-9]{1,9}(:[0-9]{1,9})?$"},
    ]
}


_YEARS: JSONSchema = {"minimum": -62_135_596_800, "exclusiveMaximum": 253_402_300_800}


def _or_null(schema: JSONSchema) -> JSONSchema:
    kind = schema.get("type")
    if not isinstance(kind, str):
        return schema if not schema else {"anyOf": [schema, {"type": "null"}]}
    members = schema.get("enum")
    nullable: JSONSchema = {"enum": [*members, None]} if isinstance(members, list) else {}
    return {**schema, "type": [kind, "null"], **nullable}


def _of_field(field: Field) -> JSONSchema:
    text = {"description": field.description} if field.description else {}
    match field.datatype.kind:
        case Kind.NUMBER:
            limits = {"minimum": field.minimum, "maximum": field.maximum}
            return {"type": "number", **text} | {name: value for name, value in limits.items() if value is not None}
        case Kind.BOOL:
            return {"type": "boolean", **text}
        case _:
            return {"type": "string", **text} | ({"enum": list(field.values)} if field.values else {})


def _of_attribute(attribute: Attribute) -> JSONSchema:
    match attribute.shape:
        case AttributeShape.FIELD:
            assert attribute.field is not None
            return _of_field(attribute.field)
        case AttributeShape.TIME:
            return {"type": "number", "description": "seconds since 1970", **_YEARS}
        case AttributeShape.INDEX:
            return _INDEX
        case AttributeShape.INDEXES:
            return {"type": "array", "items": _INDEX}
        case AttributeShape.TEXTS:
            return {"type": "array", "items": {"type": "string"}}
        case AttributeShape.GPUS:
            return {"type": "array", "items": facts_schema("gpu")}
        case AttributeShape.PROCESSES:
            return {"type": "array", "items": facts_schema("process")}
        case _:
            return {"type": "object"}


def facts_schema(kind: str, declared: Mapping[str, Field] | None = None) -> JSONSchema:
    """Return the schema of facts of a *kind* (``snapshot gpu transfer workload node``), with those *declared*."""
    properties = {a.name: _or_null(_of_attribute(a)) for a in attributes(kind).values()}
    for name, field in (declared or {}).items():
        if field.scope.value == kind:
            properties[name] = _or_null(_of_field(field))
    if kind == "gpu":  # it follows from used and total, so any value is accepted beside them
        properties["memory"] = {"type": ["number", "null"], "description": "percent; follows from used and total"}
    schema: JSONSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    origin = {"transfer": "created", "workload": "started"}.get(kind)
    if origin is not None:
        both = {"age": {"type": "number"}, origin: {"type": "number"}}
        schema["not"] = {"required": list(both), "properties": both}
    return schema


def ref(name: str) -> JSONSchema:
    """Return a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed_object(required: str, **properties: JSONSchema) -> JSONSchema:
    """Return the schema of an object with only these members; *required* names those that are always present."""
    schema: JSONSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required.split()} if required else {})


def open_object(required: str, **properties: JSONSchema) -> JSONSchema:
    """Return the schema of a response object, which later versions may extend."""
    return {"type": "object", "properties": properties, "required": required.split()}


_TEXT: JSONSchema = {"type": "string"}
_NUMBER: JSONSchema = {"type": "number"}
_COUNT: JSONSchema = {"type": "integer", "minimum": 0}
_FLAG: JSONSchema = {"type": "boolean"}
_TEXT_OR_NULL, _NUMBER_OR_NULL = _or_null(_TEXT), _or_null(_NUMBER)
_DEVICES: JSONSchema = {"type": "array", "items": _INDEX}
_TEXTS: JSONSchema = {"type": "array", "items": _TEXT}
_OBJECT: JSONSchema = {"type": "object"}


def page_of(entry: JSONSchema) -> JSONSchema:
    """Return the schema of a page of entries."""
    counts: dict[str, JSONSchema] = {"total": _COUNT, "offset": _COUNT, "next": {"type": ["integer", "null"]}}
    return open_object("items total offset next", items={"type": "array", "items": entry}, **counts)


_DECISION_MEMBERS: dict[str, JSONSchema] = {
    "matched": {"type": "array", "items": ref("Match")},
    "prefetch_factor": {"type": "number", "minimum": 0},
    "delay": {"type": "number", "minimum": 0},
    "priority_boost": _NUMBER,
    "stage": {"anyOf": [ref("Stage"), {"type": "null"}]},
    "max_bandwidth": _NUMBER_OR_NULL,
    "max_concurrency": {"type": ["integer", "null"]},
    "paused": _FLAG,
    "snapshot_time": _NUMBER,
    "stale": _FLAG,
    "ruleset_version": _TEXT,
    "directives": {"type": "object", "description": "targets of actions of plug-ins"},
}
_DECISION_REQUIRED = " ".join(name for name in _DECISION_MEMBERS if name != "directives")
_REQUEST = {
    "transfer": _or_null(ref("Transfer")),
    "workload": _or_null(ref("Workload")),
    "explain": {"type": ["boolean", "null"], "default": False},
}
DECIDE_REQUEST = ref("DecideRequest")
DECISION, DIRECTIVES, EXPLAINED_DECISION = ref("Decision"), ref("Directives"), ref("ExplainedDecision")
ANY_ITEM: JSONSchema = {"description": "a request as for /v1/decide; an invalid one yields a problem in its place"}
BATCH_ITEM: JSONSchema = {"anyOf": [DECISION, open_object("problem", problem=ref("Problem"))]}
SNAPSHOT, SIGNAL, RULE, WORKLOAD = ref("SnapshotState"), ref("Signal"), ref("Rule"), ref("WorkloadState")
TRANSFER_ROW, EVENTS, RULESET, HISTORY = ref("TransferState"), ref("Events"), ref("Ruleset"), ref("History")
STATUS, EVALUATE_REQUEST, EVALUATION = ref("Status"), ref("EvaluateRequest"), ref("Evaluation")
WORKLOAD_REPORT, TRANSFER_REPORT, LEASE = ref("WorkloadReport"), ref("TransferReport"), ref("Lease")
RELOADED, ENABLED, HEALTH = ref("Reloaded"), ref("Enabled"), ref("Health")
_TTL: JSONSchema = {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 86400, "default": 60}
_DIAGNOSTICS: JSONSchema = {"type": "array", "items": ref("Diagnostic")}


def components(declared: Mapping[str, Field]) -> dict[str, JSONSchema]:
    """Return the schemas by name; *declared* are the fields that the ruleset declares."""
    facts = {kind.title(): facts_schema(kind, declared) for kind in ("transfer", "workload", "snapshot", "node")}
    return facts | _requests() | _answers()


def _requests() -> dict[str, JSONSchema]:
    return {
        "DecideRequest": closed_object("", **_REQUEST),
        "EvaluateRequest": closed_object(
            "",
            snapshot=_or_null(ref("Snapshot")),
            transfer=_or_null(ref("Transfer")),
            workload=_or_null(ref("Workload")),
            node=_or_null(ref("Node")),
            ruleset={"type": ["string", "null"], "maxLength": 256 * 1024},
            lint={"type": ["boolean", "null"]},
        ),
        "WorkloadReport": closed_object("", workload=_or_null(ref("Workload")), ttl=_TTL),
        "TransferReport": closed_object(
            "",
            transfer=_or_null(ref("Transfer")),
            state={"type": ["string", "null"], "enum": ["queued", "held", "running", "paused", "staged", None]},
            bytes_moved={"type": ["number", "null"], "minimum": 0},
            ttl=_TTL,
        ),
    }


def _answers() -> dict[str, JSONSchema]:
    actions: JSONSchema = {"type": "array", "items": ref("Action")}
    explained = {"explanation": ref("Explanation")}
    return {
        "Problem": open_object(
            "type title status detail errors",
            type=_TEXT, title=_TEXT, status=_COUNT, detail=_TEXT, errors={"type": "array", "items": ref("WrongMember")},
        ),
        "WrongMember": open_object("detail", detail=_TEXT, pointer=_TEXT, parameter=_TEXT, hint=_TEXT),
        "Action": open_object("action parameters", action=_TEXT, parameters=_OBJECT),
        "Match": open_object("rule devices actions", rule=_TEXT, devices=_DEVICES, actions=actions),
        "Stage": open_object("area threshold on_full rule", area=_TEXT_OR_NULL, on_full=_TEXT, rule=_TEXT),
        "Decision": open_object(_DECISION_REQUIRED, **_DECISION_MEMBERS, **explained),
        "ExplainedDecision": open_object(f"{_DECISION_REQUIRED} explanation", **_DECISION_MEMBERS, **explained),
        "Directives": open_object(
            f"{_DECISION_REQUIRED} revision expires_in", **_DECISION_MEMBERS, revision=_COUNT, expires_in=_NUMBER
        ),
        "Explanation": open_object("rules", rules={"type": "array", "items": ref("ExplainedRule")}),
        "ExplainedRule": open_object(
            "rule outcome because devices reason condition nearest",
            rule=_TEXT, outcome=_TEXT, because=_TEXT_OR_NULL, devices=_DEVICES, reason=_TEXT,
        ),
        "Evaluation": open_object("decision explanation diagnostics", diagnostics=_DIAGNOSTICS),
        "Diagnostic": open_object("code message line column", code=_TEXT, message=_TEXT, line=_COUNT, column=_COUNT),
        **_definitions(),
        **_states(),
    }  # fmt: skip


def _definitions() -> dict[str, JSONSchema]:
    return {
        "Ruleset": open_object(
            "name version source sources signals thresholds findings reload_error",
            name=_TEXT,
            findings=_DIAGNOSTICS,
            sources={"type": "array", "items": open_object("path source", path=_TEXT, source=_TEXT_OR_NULL)},
            signals={"type": "array", "items": ref("SignalDefinition")},
            thresholds={"type": "array", "items": ref("Threshold")},
        ),
        "SignalDefinition": open_object(
            "name condition until for keep_for per_gpu rule",
            name=_TEXT,
            condition=_TEXT,
            until=_TEXT_OR_NULL,
            keep_for=_NUMBER,
            per_gpu=_FLAG,
            rule=_TEXT_OR_NULL,
        ),
        "Threshold": open_object(
            "attribute comparison value ends",
            attribute=_TEXT,
            comparison=_TEXT,
            value=_NUMBER,
            rule=_TEXT,
            signal=_TEXT,
            ends=_FLAG,
        ),
    }


def _states() -> dict[str, JSONSchema]:
    return {
        "SnapshotState": open_object("timestamp gpus", timestamp=_NUMBER, gpus={"type": "array", "items": _OBJECT}),
        "WorkloadState": open_object("id", id=_TEXT),
        "TransferState": open_object(
            "id transfer rules held_by delay paused", id=_TEXT, transfer=_OBJECT, rules=_TEXTS, held_by=_TEXTS
        ),
        "Signal": open_object("name owner device on since", name=_TEXT, owner=_TEXT, on=_FLAG, since=_NUMBER),
        "Rule": open_object("name condition state devices since", name=_TEXT, condition=_TEXT, state=_TEXT),
        "Events": open_object(
            "items next", items={"type": "array", "items": _OBJECT}, next={"type": ["integer", "null"]}
        ),
        "History": open_object(
            "field times gpus missing next problems",
            field=_TEXT,
            times={"type": "array", "items": _NUMBER},
            gpus={"type": "object", "additionalProperties": {"type": "array", "items": _NUMBER_OR_NULL}},
            missing={"type": "object", "additionalProperties": _TEXT},
            next=_NUMBER_OR_NULL,
            problems=_TEXTS,
        ),
        "Status": open_object(
            "enabled running ruleset ruleset_version stale telemetry_at revision",
            enabled=_FLAG,
            running=_FLAG,
            telemetry_at=_NUMBER_OR_NULL,
        ),
        "Lease": open_object("id ttl", id=_TEXT, ttl=_NUMBER),
        "Reloaded": open_object("ruleset version", ruleset=_TEXT, version=_TEXT),
        "Enabled": open_object("enabled", enabled=_FLAG),
        "Health": open_object("status", status=_TEXT, reasons=_TEXTS),
    }
