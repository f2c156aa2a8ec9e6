"""Parameters that several effects share, and secrets, which rules only name."""

import os
from collections.abc import Iterable, Mapping

from gpurules.actions.action import ActionError, Complaint, Parameters
from gpurules.actions.effects.notification.delivery import RetryLater
from gpurules.input_files import read_input

MAX_SECRET_BYTES = 64 * 1024


def url(example: str, description: str = "Target URL.", **more: object) -> dict[str, object]:
    """Return the schema of a URL."""
    return {
        "type": "string",
        "pattern": "^https?://[^\\s/]",
        "description": description,
        "examples": [example],
        **more,
    }


def timeout(seconds: float, description: str = "Timeout of one attempt.") -> dict[str, object]:
    """Return the schema of a time-out. Units: seconds."""
    return {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 300,
        "default": seconds,
        "x-dimension": "seconds",
        "description": description,
        "examples": ["5s"],
    }


DENY_PRIVATE: dict[str, object] = {
    "type": "boolean",
    "default": False,
    "description": "Reject private, loopback and link-local addresses. Off by default, because most endpoints in a "
    "cluster are private; turn it on if rulesets come from people you do not trust.",
    "examples": [True],
}


def secret(what: str, example: str) -> dict[str, object]:
    """Return the schemas of the two parameters that say where a secret is."""
    return {
        "secret_env": {
            "type": "string",
            "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
            "description": f"The environment variable that holds {what}.",
            "examples": [example],
        },
        "secret_file": {
            "type": "string",
            "minLength": 1,
            "description": f"The file that holds {what}; it is read at each attempt.",
            "examples": [f"/run/secrets/{example.lower()}"],
        },
    }


def check_secret(parameters: Parameters, needed: str | None = None) -> Iterable[Complaint]:
    """Yield what is wrong with where *parameters* say that their secret is; *needed* says what it is for."""
    named = [name for name in ("secret_env", "secret_file") if name in parameters]
    if len(named) == 2:
        yield Complaint("secret_file", "GPR505", "secret_env and secret_file exclude each other; remove one of them")
    elif not named and needed is not None:
        yield Complaint("", "GPR503", f"{needed} is needed; name it with secret_env or secret_file")


def secret_of(parameters: Mapping[str, object]) -> str | None:
    """Return the secret that *parameters* name, None where they name none.

    Raises:
        ActionError: the environment does not have it, or it cannot be part of a header.
        RetryLater: its file cannot be read now.
    """
    variable, path = parameters.get("secret_env"), parameters.get("secret_file")
    if isinstance(variable, str):
        found = os.environ.get(variable, "")
        if not found:
            raise ActionError(f"the environment has no {variable}")
        return _plain(found, variable)
    if isinstance(path, str):
        try:
            data = read_input(path, MAX_SECRET_BYTES)
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or "it is not a path"
            raise RetryLater(f"the secret in {path} cannot be read: {reason}") from None
        text = data[:MAX_SECRET_BYTES].decode("utf-8", "replace").strip("\r\n")
        if not text:
            raise RetryLater(f"the secret file {path} is empty")
        return _plain(text, path)
    return None


def _plain(text: str, place: str) -> str:
    if not text.isprintable():
        raise ActionError(f"the secret in {place} has characters that are not printable")
    return text
