"""A hook of MkDocs that keeps the site free of the network: what a page loads is in the site.

Search needs a Worker, which browsers deny to a page that is opened from a folder; the theme loads a substitute
from a server on the Internet. Here it comes from ``assets/``.
"""

import re
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.utils import get_relative_url

WORKER = re.compile(r"https://unpkg\.com/iframe-worker/shim")
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(https?:[^"'\s>]+)|<link(?=[^>]*\srel=["']?(?:stylesheet|preload|icon))[^>]*\shref=["']?(https?:[^"'\s>]+)"""
)


def without_network(page: str, url: str) -> str:
    """Return the HTML of the page at *url* with the substitute of the site.

    Raises:
        PluginError: the page loads something else from the network.
    """
    page = WORKER.sub(get_relative_url("assets/iframe-worker.js", url), page)
    found = [first or second for first, second in LOADED.findall(page)]
    if found:
        raise PluginError(f"{url} loads {', '.join(found)}: the site has to work offline, so put it under docs/assets")
    return page


def on_post_page(output: str, /, *, page: Any, **_: Any) -> str:
    """Change a page that is about to be written."""
    return without_network(output, page.url)


def on_post_template(output_content: str, /, *, template_name: str, **_: Any) -> str:
    """Change a page that the theme adds, such as 404.html."""
    return without_network(output_content, template_name) if template_name.endswith(".html") else output_content
