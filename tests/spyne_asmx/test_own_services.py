"""The page docs/own-services.md: its examples run, and its tables name what there is."""

import base64
import dataclasses
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from lxml import etree
from werkzeug.serving import make_server
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

import spyne_asmx
from spyne_asmx import AsmxApplication, AsmxEndpoint, Limits, WsgiApplication
from spyne_asmx import spyne as names
from tests.support.asgi import http_scope, sent_by

PAGE = (Path(__file__).parent.parent.parent / "docs" / "own-services.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
# Classes that are no type of a parameter or member.
NO_TYPES = {"Application", "EventManager", "MethodContext", "Service", "ServiceBase"}
NO_TYPES |= {"ModelBase", "SimpleModel", "ComplexModelBase"}

Import = Callable[[str], Any]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Imports an example by its file's name; the other examples are in the same folder."""
    monkeypatch.syspath_prepend(tmp_path)
    for text in EXAMPLES:
        named = re.match(r"# (\w+)\.py", text)
        name = named[1] if named else "calculator"
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    return import_module


def soap(application: Any, inside: str, header: str = "", **headers: str) -> TestResponse:
    """Send an envelope to a WSGI application, or to the service of an AsmxApplication."""
    if isinstance(application, AsmxApplication):
        application = WsgiApplication(AsmxEndpoint(application, "/a.asmx"))
    body = f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>{inside}</s:Body></s:Envelope>'
    return Client(application, use_cookies=False).post("/a.asmx", data=body, content_type="text/xml", headers=headers)


def text_of(answer: TestResponse, name: str) -> str | None:
    return etree.fromstring(answer.data).findtext(f".//{{*}}{name}")


def test_headers(example: Import) -> None:
    header = '<Trace xmlns="http://example.com/traced/"><Id>t</Id><Hops>1</Hops></Trace>'
    answer = soap(
        example("headers").application, '<Echo xmlns="http://example.com/traced/"><text>x</text></Echo>', header
    )
    assert (text_of(answer, "Hops"), text_of(answer, "EchoResult")) == ("2", "x")


def test_faults(example: Import) -> None:
    answer = soap(example("faults").application, '<Find xmlns="http://example.com/stock/"><sku>A-1</sku></Find>')
    assert text_of(answer, "faultcode") == "soap:Client.OutOfStock"
    assert text_of(answer, "Sku") == "A-1"


def test_files(example: Import) -> None:
    files = example("files")
    namespace = 'xmlns="http://example.com/files/"'
    content = base64.b64encode(b"12345").decode()
    put = soap(files.application, f"<Put {namespace}><name>n</name><content>{content}</content></Put>")
    got = soap(files.application, f"<Get {namespace}><name>n</name></Get>")
    assert text_of(put, "PutResult") == "5"
    assert base64.b64decode(text_of(got, "GetResult") or "") == b"the content of n"
    assert files.endpoint.limits.body == 64 * 1024 * 1024


@contextmanager
def ticket_service() -> Iterator[str]:
    """The address of a server that knows the ticket 1."""

    @WerkzeugRequest.application
    def site(request: WerkzeugRequest) -> WerkzeugResponse:
        known = request.args["AuthenticationTicket"] == "1"
        return WerkzeugResponse('<root success="true" username="jsmith" />' if known else '<root success="false" />')

    server = make_server("127.0.0.1", 0, site)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/srv.asmx/isValidTicket"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_who_is_calling(example: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    members = example("members")
    who = '<WhoAmI xmlns="http://example.com/members/"/>'
    login = '<Login xmlns="http://example.com/members/"><User>eve</User><Password>{}</Password></Login>'
    assert text_of(soap(members.application, who, login.format("s3cret")), "WhoAmIResult") == "eve"
    assert text_of(soap(members.application, who, Cookie="session=abc"), "WhoAmIResult") == "ann"
    with ticket_service() as address:
        monkeypatch.setattr(members, "TICKETS", address)
        assert text_of(soap(members.application, who, Authorization="SOTicket 1"), "WhoAmIResult") == "jsmith"
    for refused in (soap(members.application, who), soap(members.application, who, login.format("guess"))):
        assert text_of(refused, "faultcode") == "soap:Client.Authentication"


def test_pages(example: Import) -> None:
    answer = Client(WsgiApplication(example("pages").endpoint)).get("/Calculator.asmx?op=Add")
    assert "Calculator 1.0" in answer.text


def test_in_flask(example: Import) -> None:
    app = example("in_flask").app
    assert ">3</int>" in Client(app).get("/legacy/Calculator.asmx/Add?a=1&b=2").text
    assert "http://localhost/legacy/Calculator.asmx" in Client(app).get("/legacy/Calculator.asmx?WSDL").text


def test_in_django(example: Import) -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
    application = example("in_django").application
    assert ">3</int>" in Client(application).get("/legacy/Calculator.asmx/Add?a=1&b=2").text
    assert "http://localhost/legacy/Calculator.asmx" in Client(application).get("/legacy/Calculator.asmx?WSDL").text
    assert Client(application).get("/other").status_code == 404


urlpatterns: list[Any] = []


def test_in_starlette(example: Import) -> None:
    app = example("in_starlette").app
    scope = http_scope("GET", "/legacy/Calculator.asmx/Add", query_string=b"a=1&b=2", root_path="")
    assert b">3</int>" in sent_by(app, scope, {"type": "http.request"})[1]["body"]


def test_the_ported_service(example: Import) -> None:
    orders = example("orders").application
    namespace = 'xmlns="http://shop.example.com/orders"'
    line = "<OrderLine No='1'><Sku>A</Sku><Price>2.50</Price></OrderLine>"
    place = f"<Place {namespace}><order><Placed>2026-03-20T14:35:00</Placed><Lines>{line * 2}</Lines></order></Place>"
    answer = soap(orders, place, f"<Credentials {namespace}><Key>s3cret</Key></Credentials>")
    assert text_of(answer, "PlaceResult") == "5.00"
    assert text_of(soap(orders, place), "faultstring") == "Access denied."
    answer = soap(orders, f"<Cancel {namespace}><reference>R1</reference></Cancel>")
    assert (text_of(answer, "CancelResult"), text_of(answer, "status")) == ("true", "2")


def test_the_tables_name_every_type_of_spyne() -> None:
    kinds = {name for name in names.__all__ if isinstance(getattr(names, name), type)}
    public = {name for name in kinds if not issubclass(getattr(names, name), Exception)} - NO_TYPES
    assert {"AnyXml", "Unicode", "XmlAttribute"} <= public
    assert not sorted(name for name in public if not re.search(rf"`[^`]*\b{name}\b", PAGE))


def test_the_tables_name_every_limit_and_every_mark() -> None:
    for field in dataclasses.fields(Limits):
        assert f"`{field.name}`" in PAGE, field.name
    for mark in ("nullable", "flags", "struct", "AnyType", "may_be_left_out"):
        assert hasattr(spyne_asmx, mark)
        assert f"asmx.{mark}" in PAGE
