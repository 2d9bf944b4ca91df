"""A person with a browser: chromium, driven by playwright-core, on the help pages and their test forms."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.conftest import NODE, Ran, needs, needs_node_modules, output_of

Browse = Callable[[str], dict[str, Any]]


@pytest.fixture
def browse(address: str) -> Browse:
    """Run one of the flows of node/browser.mjs and give what the browser saw."""
    needs_node_modules()
    needs("chromium", "chromium")

    def browse(flow: str) -> dict[str, Any]:
        chromium = shutil.which("chromium") or ""
        seen: dict[str, Any] = json.loads(output_of("node", NODE / "browser.mjs", flow, address, chromium))
        return seen

    return browse


@pytest.mark.parametrize("flow", ["form", "withoutJavaScript"])
def test_form(flow: str, browse: Browse, address: str, ran: Ran) -> None:
    """From the help page to an operation's form to its answer, with JavaScript and without; no policy is violated."""
    seen = browse(flow)
    assert seen["passwordType"] == "password"
    assert (seen["status"], seen["url"]) == (200, f"{address}/AuthenticateUser")
    assert '<root success="true" ticket="' in seen["shown"]
    assert 'fullname="John Smith"' in seen["shown"]
    assert seen["complaints"] == []
    ran("Chromium", seen["version"], "the test forms" if flow == "form" else "the test forms without JavaScript")


def test_cookie(browse: Browse, ran: Ran) -> None:
    """An empty form stands for the ticket of the cookie, until that ticket is logged out."""
    seen = browse("cookie")
    dead = '<root success="false" error="[901] Session expired or Invalid ticket"/>'
    assert dead in seen["before"]
    assert '<root success="true" userid="42"' in seen["valid"]
    assert '<root success="true"/>' in seen["loggedOut"]
    assert dead in seen["after"]
    assert seen["complaints"] == []
    ran("Chromium", seen["version"], "the cookie ticket")


def test_accessibility(browse: Browse) -> None:
    """axe-core finds nothing wrong with the pages, light and dark, and none is wider than a phone."""
    pages = browse("accessibility")["pages"]
    assert len(pages) == 6
    for name, page in pages.items():
        assert "color-contrast" in page["passed"], name
        assert page["violated"] == [], name
        assert not page["scrollsSideways"], name
