"""Why a fed field is missing: of a GPU in its ``missing``, of the node in the problems of its snapshot."""

from gpurules.fields.field import Field
from gpurules.model import Snapshot

MISSING = "{} is missing: {}"
"""The problem of a snapshot that says why a field of the node is missing."""


def why_missing(field: Field, snapshot: Snapshot) -> str:
    """Return why *field* is missing in *snapshot*, for the first GPU with a reason; empty if there is none."""
    if field.is_per_gpu:
        return next((reason for gpu in snapshot.gpus if (reason := gpu.missing.get(field.name))), "")
    start = MISSING.format(field.name, "")
    return next((problem.removeprefix(start) for problem in snapshot.problems if problem.startswith(start)), "")
