"""Runs a program that the agent's configuration allows, with the event as JSON on its standard input."""

import os
from collections.abc import Iterable
from typing import ClassVar

from gpurules.actions.action import (
    ActionError,
    ActionKind,
    Complaint,
    Edge,
    Event,
    Parameters,
    Schema,
    notifications,
    numeric,
)
from gpurules.actions.effects.notification.delivery import RETRIES, RefusedError, RetryLater
from gpurules.actions.effects.notification.messages import event_payload, event_text
from gpurules.actions.effects.notification.parameters import timeout
from gpurules.strict_json import dumps

_TRY_LATER = 75
"""EX_TEMPFAIL of sysexits.h: the program asks to be run again later."""


class Exec:
    """Each notification is one run of the program."""

    name = "exec"
    kind = ActionKind.EFFECT
    summary = "Runs a program that the agent allows (--allow-exec), with the event as JSON on its standard input."
    on: frozenset[Edge] = frozenset({"start"})
    schema: ClassVar[Schema] = {
        "type": "object",
        "properties": {
            "command": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": 100,
                "x-template": True,
                "description": "The program by its absolute path, and its arguments, with placeholders. No shell is "
                "involved, so a value is never more than a part of its argument.",
                "examples": [["/usr/local/bin/drain-gpu", "--gpu={devices}"]],
            },
            "timeout": timeout(30, "Time limit; then the program is killed, with all that it started."),
            **notifications(["start"]),
            **RETRIES,
        },
        "required": ["command"],
        "additionalProperties": False,
    }

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find a program that is not named by an absolute path."""
        command = parameters.get("command")
        first = str(command[0]) if isinstance(command, list | tuple) and command else ""
        if not first.startswith("/") or "{" in first or os.path.normpath(first) != first:
            message = f"the program {first[:60]!r} is not an absolute path; write it in full, without placeholders"
            yield Complaint("command", "GPR505", message)

    def start(self, event: Event) -> None:
        """Run the program.

        Raises:
            RefusedError: the agent does not allow it.
            RetryLater: it cannot be started now, or exits with 75.
            ActionError: it fails, or takes too long.
        """
        from gpurules.actions.effects.transport.programs import run_program  # which few rulesets need

        given = event.parameters.get("command")
        words = [str(word) for word in given] if isinstance(given, list | tuple) else []
        program = words[0] if words else ""
        if program not in event.allowed_programs:
            raise RefusedError(f"the agent does not allow {program!r}; start it with --allow-exec {program}")
        argv = [program, *(event_text(event, word) for word in words[1:])]
        seconds = numeric(event.parameters, "timeout") or 30.0
        environment = {"GPURULES_RULE": event.rule, "GPURULES_EDGE": event.edge}
        payload = dumps(event_payload(event), default=str, ascii_only=True).encode()
        try:
            ended = run_program(argv, payload, environment, seconds)
        except OSError as error:
            raise RetryLater(f"{program} cannot be started: {error.strerror}") from None
        except ValueError:
            raise ActionError(f"{program} cannot be started: an argument has a null character") from None
        if ended.status is None:
            raise ActionError(f"{program} was killed, since it took longer than {seconds:g} s")
        if ended.status != 0:
            outcome_text = f"{program} exited with {ended.status}{f': {ended.last_line}' if ended.last_line else ''}"
            raise RetryLater(outcome_text) if ended.status == _TRY_LATER else ActionError(outcome_text)

    def stop(self, event: Event) -> None:
        """Run the program."""
        self.start(event)
