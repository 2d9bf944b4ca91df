"""A person with a browser: chromium, driven by playwright-core, on the help pages and their test forms."""

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.programs import NODE, Ran, needs, needs_node_modules, output_of

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
    """From the help page to an operation's form to its answer; no policy is violated.

    With JavaScript the answer is shown below the form, with its status and time; without, the browser goes to it.
    """
    seen = browse(flow)
    assert seen["passwordType"] == "password"
    assert seen["status"] == 200
    assert seen["url"] == address + ("?op=AuthenticateUser" if flow == "form" else "/AuthenticateUser")
    if flow == "form":
        assert re.match(r"200 OK, after [0-9]+ ms\n", seen["shown"])
    assert '<root success="true" ticket="' in seen["shown"]
    assert 'fullname="John Smith"' in seen["shown"]
    assert seen["complaints"] == []
    ran("Chromium", seen["version"], "the test forms" if flow == "form" else "the test forms without JavaScript")


def test_cookie(browse: Browse, ran: Ran) -> None:
    """An empty form stands for the ticket of the cookie, until that ticket is logged out."""
    seen = browse("cookie")
    dead = '<root success="false" error="[901] Session expired or Invalid ticket" />'
    assert dead in seen["before"]
    assert '<root success="true" userid="42"' in seen["valid"]
    assert '<root success="true" />' in seen["loggedOut"]
    assert dead in seen["after"]
    assert seen["complaints"] == []
    ran("Chromium", seen["version"], "the cookie ticket")


def test_copy(browse: Browse) -> None:
    """The button puts the command into the clipboard, with TLS and without."""
    seen = browse("copy")
    for way, operation in (("clipboard", "isValidTicket"), ("selection", "LogOut")):
        copied = seen["copied"][way]
        assert copied["command"].startswith("curl ")
        assert operation in copied["command"]
        assert copied["pasted"] == copied["command"]
    assert seen["complaints"] == []


def test_folds(browse: Browse) -> None:
    """The page is hardly more than a screen of 800 pixels, and of its messages one binding's are open at a time."""
    seen = browse("folds")
    assert seen["height"] < 1000
    for title, texts in zip(["SOAP 1.1", "SOAP 1.2", "HTTP GET", "HTTP POST"], seen["open"], strict=True):
        (text,) = texts
        assert text.startswith(title)
        assert '<root success="true" ticket="' in text


def test_accessibility(browse: Browse) -> None:
    """axe-core finds nothing wrong with the pages, light and dark, and none is wider than a phone."""
    pages = browse("accessibility")["pages"]
    assert len(pages) == 10
    for name, page in pages.items():
        assert "color-contrast" in page["passed"], name
        assert page["violated"] == [], name
        assert not page["scrollsSideways"], name
