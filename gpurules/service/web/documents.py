"""The documentation of the API as an HTML page generated from its OpenAPI description, without scripts."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from gpurules.strict_json import dumps

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gpurules API</title>
<link rel="stylesheet" href="/page/docs.css">
</head>
<body>
<main>
"""


def documentation(description: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI *description*."""
    return "".join(_lines(description))


def _lines(description: Mapping[str, Any]) -> Iterator[str]:
    info = description["info"]
    yield _HEAD
    yield f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>\n"
    yield f"<p>{escape(info['description'])} As data: <a href='/openapi.json'>/openapi.json</a>.</p>\n<nav><ul>\n"
    operations = [
        (method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    for method, path, operation in operations:
        name = escape(operation["operationId"])
        yield f"<li><a href='#{name}'><code>{method} {escape(path)}</code></a> {escape(operation['summary'])}</li>\n"
    yield "</ul></nav>\n"
    for method, path, operation in operations:
        yield from _operation(method, path, operation)
    yield "<h2>Schemas</h2>\n"
    for name, schema in description["components"]["schemas"].items():
        summary = f"<summary><code>{escape(name)}</code></summary>"
        yield f"<details id='{escape(name)}'>{summary}<pre>{escape(dumps(schema, indent=2))}</pre></details>\n"
    yield "</main>\n</body>\n</html>\n"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section id='{escape(operation['operationId'])}'>\n<h2><code>{method} {escape(path)}</code></h2>\n"
    yield f"<p>{escape(operation['summary'])}. {escape(operation.get('description', ''))}</p>\n"
    parameters = operation.get("parameters", ())
    if parameters:
        yield "<table><thead><tr><th>parameter</th><th>in</th><th>value</th><th>meaning</th></tr></thead><tbody>\n"
        for one in parameters:
            cells = one["name"], one["in"], dumps(one["schema"]), one.get("description", "")
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"
        yield "</tbody></table>\n"
    if "requestBody" in operation:
        yield "<p>Body:</p>\n" + _content(operation["requestBody"]["content"])
    yield "<dl>\n"
    for status, answer in operation["responses"].items():
        content = _content(answer.get("content", {}))
        yield f"<dt>{escape(status)}</dt><dd>{escape(answer['description'])} {content}</dd>\n"
    yield "</dl>\n</section>\n"


def _content(content: Mapping[str, Any]) -> str:
    shown = []
    for kind, media in content.items():
        reference = media["schema"].get("$ref", "")
        name = escape(reference.rpartition("/")[2])
        link = f"<a href='#{name}'>{name}</a>" if name else f"<code>{escape(dumps(media['schema']))}</code>"
        shown.append(f"<code>{escape(kind)}</code> {link}")
    return ", ".join(shown)
