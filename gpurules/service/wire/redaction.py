"""Redacts actions for display: the secrets of webhooks are never shown."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from gpurules.actions import is_effect
from gpurules.actions.decision import Match, RuleAction
from gpurules.rules import Ruleset

HIDDEN = "***"
_NAMES_OF_SECRETS = ("secret_env", "secret_file")
_SECRET_NAME = re.compile("token|secret|password|passwd|credential|authorization|api_?key|signature", re.IGNORECASE)


def _shown_url(url: str) -> str:
    """Return the scheme and host of *url*: its path, query and credentials may be the secret.

    >>> _shown_url("https://user:pw@hooks.example.org/services/T0/B0/x?key=1")
    'https://hooks.example.org/***'
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    return f"{parts.scheme}://{host}{port}/{HIDDEN}" if host else HIDDEN


def _shown(name: str, value: object) -> object:
    if name == "headers" and isinstance(value, Mapping):
        return {key: each if isinstance(each, Mapping) else HIDDEN for key, each in value.items()}
    if name in _NAMES_OF_SECRETS:
        return value
    if isinstance(value, str) and "://" in value:
        return _shown_url(value)
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _shown(str(key), each) for key, each in value.items()}
    return [_shown(name, each) for each in value] if isinstance(value, list) else value


def shown_action(ordered: RuleAction) -> dict[str, object]:
    """Return an action as ``RuleAction.to_dict`` does, with the secrets of an effect hidden."""
    data = ordered.to_dict()
    if is_effect(ordered.action):
        data["parameters"] = {name: _shown(name, value) for name, value in ordered.parameters.items()}
    return data


def shown_match(match: Match) -> dict[str, object]:
    """Return a match as ``Match.to_dict`` does, with the secrets of effects hidden."""
    return {
        "rule": match.rule,
        "devices": list(match.devices),
        "actions": [shown_action(ordered) for ordered in match.actions],
    }


def shown_source(text: str, ruleset: Ruleset) -> str | None:
    """Return the text of a ruleset with the secrets of its effects hidden.

    Missing: None if a secret cannot be located in the text, so that nothing can be shown.
    """
    for secret in sorted(set(_secrets(ruleset)), key=len, reverse=True):
        if secret not in text and any(word in text for word in secret.split()):
            return None
        text = text.replace(secret, HIDDEN)
    return text


def without_secrets(text: str, ruleset: Ruleset) -> str:
    """Return *text*, which may quote what was sent to a receiver, with the secrets of effects hidden."""
    for secret in sorted(set(_secrets(ruleset)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(ruleset: Ruleset) -> Iterator[str]:
    for rule in ruleset.rules:
        for ordered in rule.actions:
            if not is_effect(ordered.action):
                continue
            for name, value in ordered.parameters.items():
                if name == "headers" and isinstance(value, Mapping):
                    yield from (one for one in value.values() if isinstance(one, str))
                else:
                    yield from _hidden_texts(name, value)


def _hidden_texts(name: str, value: object) -> Iterator[str]:
    """Yield the secret strings in a parameter, at any depth."""
    if isinstance(value, str):
        if _shown(name, value) != value:
            yield value.partition("://")[2].partition("/")[2] or value if "://" in value else value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _hidden_texts(name if _SECRET_NAME.search(name) else str(key), each)
    elif isinstance(value, list):
        for each in value:
            yield from _hidden_texts(name, each)
