"""Requests for decisions as JSON; the common case is built without a dict or an encoder."""

from collections.abc import Callable
from json.encoder import encode_basestring_ascii

from gpurules.backends.facts import NO_WORKLOAD
from gpurules.model import Transfer, Workload
from gpurules.strict_json import pack

_text: Callable[[str], str] = encode_basestring_ascii


def question(transfer: Transfer | None, workload: Workload | None) -> bytes:
    """Return the body of a request for a decision."""
    has_workload = workload is not None and workload is not NO_WORKLOAD
    if transfer is not None and not has_workload and not transfer.labels:
        return b'{"transfer":{%s}}' % _members(transfer).encode()
    asked: dict[str, object] = {} if transfer is None else {"transfer": transfer.to_dict()}
    if workload is not None and has_workload:
        asked["workload"] = workload.to_dict()
    return pack(asked)


def _members(transfer: Transfer) -> str:
    """Return the members of *transfer*, which has no labels, in JSON; its numbers are finite."""
    found = []
    if transfer.id is not None:
        found.append(f'"id":{_text(transfer.id)}')
    if transfer.path is not None:
        found.append(f'"path":{_text(transfer.path)}')
    if transfer.size is not None:
        found.append(f'"size":{_number(transfer.size)}')
    if transfer.priority is not None:
        found.append(f'"priority":{_number(transfer.priority)}')
    if transfer.operation is not None:
        found.append(f'"operation":{_text(transfer.operation)}')
    if transfer.created is not None:
        found.append(f'"created":{_number(transfer.created)}')
    if transfer.duration is not None:
        found.append(f'"duration":{_number(transfer.duration)}')
    if transfer.file_type is not None:
        found.append(f'"file_type":{_text(transfer.file_type)}')
    if transfer.framework is not None:
        found.append(f'"framework":{_text(transfer.framework)}')
    if transfer.workload_id is not None:
        found.append(f'"workload_id":{_text(transfer.workload_id)}')
    return ",".join(found)


def _number(value: float) -> str:
    """Return a number in JSON; number types of other libraries have another ``repr``."""
    return float.__repr__(value) if isinstance(value, float) else int.__repr__(value)
