"""Administration of the agent: replacing the ruleset, enabling and disabling its rules."""

from gpurules.engine.inspection import reload_error
from gpurules.service.web import schemas
from gpurules.service.web.operation import Access, Operation, OperationCall, Reply, json_reply
from gpurules.service.wire.problems import ProblemError


def reload(call: OperationCall) -> Reply:
    """Reload the file of the ruleset, all of it or nothing."""
    coordinator = call.agent.coordinator
    is_in_force = coordinator.reload()
    call.agent.recorder.note_ruleset()
    if not is_in_force:
        error = reload_error(coordinator) or "the ruleset could not be read"
        raise ProblemError(409, "reload-refused", f"the running ruleset stays in force: {error}")
    call.agent.revisions.bump()
    ruleset = coordinator.engine.ruleset
    return json_reply({"ruleset": ruleset.name, "version": ruleset.version})


def _switched(call: OperationCall, is_enabled: bool) -> Reply:
    coordinator = call.agent.coordinator
    if coordinator.is_enabled != is_enabled:
        (coordinator.enable if is_enabled else coordinator.disable)()
        call.agent.recorder.events.add("agent", call.agent.clock(), enabled=is_enabled)
    call.agent.revisions.bump()
    return json_reply({"enabled": coordinator.is_enabled})


def enable(call: OperationCall) -> Reply:
    """Enable the rules."""
    return _switched(call, True)


def disable(call: OperationCall) -> Reply:
    """Disable the rules: no directives, and no effects, until they are enabled again."""
    return _switched(call, False)


OPERATIONS = (
    Operation(
        "POST", "/v1/reload", "reload", "Reload the ruleset, all or nothing", reload, Access.ADMIN,
        answers={200: schemas.RELOADED}, problems=(403, 409), is_slow=True,
    ),
    Operation(
        "POST", "/v1/enable", "enable", "Enable the rules", enable, Access.ADMIN,
        answers={200: schemas.ENABLED}, problems=(403,),
    ),
    Operation(
        "POST", "/v1/disable", "disable", "Disable the rules until enabled again", disable, Access.ADMIN,
        answers={200: schemas.ENABLED}, problems=(403,),
    ),
)  # fmt: skip
