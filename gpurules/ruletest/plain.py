"""Nodes of a test file as plain data."""

from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence


def plain(node: YamlNode) -> object:
    """Return a node as plain data, texts as they were written; a plain ``null`` is None."""
    match node:
        case YamlScalar():
            is_null = not node.style and node.text in ("", "~", "null")
            return None if is_null else node.text
        case YamlSequence():
            return [plain(item) for item in node.items]
        case YamlMapping():
            return {key: plain(value) for key, value in node.values.items()}
