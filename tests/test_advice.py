"""The program takes each setting that the docs name, and the setting does what they say."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_snake

from asmx_tickets.settings.layers import keys_of
from asmx_tickets.settings.model import Settings, load_settings
from tests.support.service import PASSWORD, Service

REPOSITORY = Path(__file__).parent.parent
SHIPPED = REPOSITORY / "appsettings.json"
DOCS, DEPLOY = (sorted(REPOSITORY.joinpath(folder).iterdir()) for folder in ("docs", "deploy"))
PAGES = [page for page in (REPOSITORY / "README.md", *DOCS, *DEPLOY) if page.is_file()]
# A value that each list takes.
LISTS = {
    "TrustedUserPwd": "b1946ac92492d2347c6235b4d2611184;591785b794601e212b260e25925636fd",
    "TrustedUserNetworks": "10.1.0.0/16;192.0.2.7/32",
    "Languages:Supported": "en;nl",
    "WebServices:Protocols": "HttpSoap;HttpPost",
    "ForwardedHeaders:KnownProxies": "10.0.0.1/32;10.2.0.0/16",
    "Cors:AllowedOrigins": "https://a.example;https://b.example",
}

_ASSIGNMENT = re.compile(r"\b([A-Z]\w*(?:__\w+)+)=('[^'\n]*'|[^\s`,]+)")
_IN_JSON = re.compile(r"^```json\n(.*?)^```|<<'END'\n(\{.*?)^END$", re.MULTILINE | re.DOTALL)


def assignments() -> Iterator[tuple[str, str, str]]:
    """Page, name and value of every setting that is written as in the environment."""
    for page in PAGES:
        for name, value in _ASSIGNMENT.findall(page.read_text()):
            if not name.endswith("__File"):  # Its value is another file's content.
                yield page.name, name, value.strip("'")


def settings_in_json() -> Iterator[tuple[str, dict[str, Any]]]:
    """Page and content of every settings file, as a block by itself or made by a command."""
    for page in PAGES:
        for block in _IN_JSON.findall(page.read_text()):
            content = json.loads("".join(block))
            if not content.keys() & {"event", "level", "userid"}:  # What the program prints.
                yield page.name, content


@pytest.mark.parametrize(("page", "name", "value"), sorted(set(assignments())))
def test_each_setting_in_the_environment_is_one(page: str, name: str, value: str) -> None:
    """And it counts, beside the file that the project ships."""
    settings = load_settings(SHIPPED, environ={name: value})
    assert settings.sources[re.sub(r":[0-9]+$", "", name.replace("__", ":"))] == "environment"


@pytest.mark.parametrize(("page", "content"), list(settings_in_json()))
def test_each_settings_file_loads(tmp_path: Path, page: str, content: dict[str, Any]) -> None:
    (tmp_path / "appsettings.json").write_text(json.dumps(content))
    load_settings(tmp_path / "appsettings.json", environ={})


def test_the_docs_are_searched_at_all() -> None:
    """Both ways to write a setting are found."""
    assert {name for _, name, _ in assignments()} >= {"WebServices__Protocols", "Tickets__SlidingExpiration"}
    assert list(settings_in_json())
    assert ADVISED


ADVISED = [value for page, name, value in assignments() if (page, name) == ("security.md", "WebServices__Protocols")]


@pytest.mark.parametrize("value", ADVISED)
@pytest.mark.parametrize("numbered", [False, True])
def test_get_can_be_switched_off(make_service: Callable[..., Service], value: str, numbered: bool) -> None:
    """By one value for the list, as advised to keep passwords out of addresses, or by numbered items, since the shipped
    file has none below them.
    """
    protocols = tuple(value.split(";"))
    items = {f"WebServices__Protocols__{number}": name for number, name in enumerate(protocols)}
    environ = items if numbered else {"WebServices__Protocols": value}
    assert load_settings(SHIPPED, environ=environ).web_services.protocols == protocols
    service = make_service(**environ)
    login = {"UID": "jsmith", "PWD": PASSWORD}
    assert "ticket=" not in service.http.get("/srv.asmx/AuthenticateUser", query_string=login).text
    assert "ticket=" in service.http.post("/srv.asmx/AuthenticateUser", data=login).text


def test_every_list_is_known_here() -> None:
    assert {key.path for key in keys_of(Settings) if key.kind == "list"} == LISTS.keys()


@pytest.mark.parametrize("path", LISTS)
def test_one_value_replaces_a_whole_list(tmp_path: Path, path: str) -> None:
    """However many items a file has of it, none of them is left."""
    section, _, name = path.rpartition(":")
    items = {"Languages:Supported": ["de", "en", "fr", "tr"], "WebServices:Protocols": ["HttpGet", "HttpSoap12"]}
    content = {name: items.get(path) or [*reversed(LISTS[path].split(";"))]}
    (tmp_path / "appsettings.json").write_text(json.dumps({section: content} if section else content))
    settings = load_settings(tmp_path / "appsettings.json", environ={path.replace(":", "__"): LISTS[path]})
    value: Any = settings
    for key in path.split(":"):
        value = getattr(value, to_snake(key))
    texts = [item.get_secret_value() if name == "TrustedUserPwd" else str(item) for item in value]
    # In a secret a semicolon is a character like any other.
    assert texts == ([LISTS[path]] if name == "TrustedUserPwd" else LISTS[path].split(";"))
    assert settings.sources[path] == "environment"
