"""The documents of an .asmx file: which query gets which, and help pages that are safe and work (CONTRACT 2.5)."""

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from lxml import etree
from spyne import AnyXml, Integer32, Service, Unicode, rpc

from spyne_asmx import (
    ALL_BINDINGS,
    AsmxApplication,
    AsmxEndpoint,
    Binding,
    Element,
    Example,
    Pages,
    Request,
    Response,
    may_be_left_out,
)
from spyne_asmx.documentation import Documentation
from spyne_asmx.http import HeaderMap
from spyne_asmx.operations import OperationTable
from tests.spyne_asmx.calculator import application

ADDRESS = "https://example.com/Base/srv.asmx"
VOID_ELEMENTS = {"meta", "input", "wbr", "link", "br"}


class Logins(Service):
    @rpc(
        Unicode,
        Unicode,
        may_be_left_out(Unicode),
        may_be_left_out(Integer32),
        _returns=AnyXml,
        _in_variable_names={"uid": "UID", "old": "TrustedUserPwd", "new": "newPassword"},
    )
    def LogIn(ctx: Any, uid: str, old: str, new: str | None, days: int | None) -> Element:
        """Log in & get <something>.

        A second paragraph
        over two lines.

        Args:
            uid: The <name>.
            newPassword: The new one,
                if there is one.
            nobody: There is no such parameter.

        Errors:
            No & no: The <name> is wrong.
        """
        return Element("root", {"uid": uid})


class Page(HTMLParser):
    """The elements and the text of a page. Elements that are not closed in order fail the test."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(response.body.decode())
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self) -> list[str]:
        return [str(link["href"]) for link in self.all("a")]


def documentation(*off: Binding) -> Documentation:
    return Documentation(OperationTable(application()), "calculator", ALL_BINDINGS - set(off))


@pytest.fixture(scope="module")
def calculator() -> Documentation:
    return documentation()


LOGIN = Example({"UID": "j smith", "TrustedUserPwd": "a'b", "days": "2"}, Element("root", {"uid": "j <smith>"}))
PAGES = Pages("Logins 1.2", {"LogIn": LOGIN})


def logins_with(pages: Pages = PAGES, off: Binding | None = None) -> AsmxEndpoint:
    application = AsmxApplication([Logins], "urn:logins", "logins")
    return AsmxEndpoint(application, "/srv.asmx", ALL_BINDINGS - {off}, pages=pages)


@pytest.fixture(scope="module")
def logins() -> AsmxEndpoint:
    return logins_with()


@pytest.fixture(scope="module")
def plain_logins() -> AsmxEndpoint:
    """The same with neither a product's name nor an example."""
    return logins_with(Pages())


@pytest.fixture(scope="module")
def logins_without_post() -> AsmxEndpoint:
    return logins_with(off=Binding.POST)


def get(endpoint: AsmxEndpoint, query: str, path: str = "/srv.asmx") -> Response:
    return endpoint.handle(Request("GET", path, query, HeaderMap(), host="example.com", path_base="/Base"))


@pytest.mark.parametrize("query", ["WSDL", "wsdl", "Wsdl", "wsdl=", "x=1&WSDL", "wsdl=1"])
def test_the_wsdl_by_any_spelling(calculator: Documentation, query: str) -> None:
    answer = calculator.answer(query, ADDRESS)
    assert answer.status == 200
    assert dict(answer.headers) == {
        "content-type": "text/xml; charset=utf-8",
        "cache-control": "private, max-age=0",
    }
    assert b'<soap:address location="https://example.com/Base/srv.asmx"' in answer.body


@pytest.mark.parametrize("query", ["disco", "DISCO"])
def test_the_discovery_document_by_any_spelling(calculator: Documentation, query: str) -> None:
    answer = calculator.answer(query, ADDRESS)
    assert answer.status == 200
    assert ("content-type", "text/xml; charset=utf-8") in answer.headers
    assert b'docRef="https://example.com/Base/srv.asmx"' in answer.body


@pytest.mark.parametrize("query", ["op=Add", "OP=Add", "Op=add", "op=%41dd"])
def test_an_operations_page_by_any_spelling(calculator: Documentation, query: str) -> None:
    answer = calculator.answer(query, ADDRESS)
    assert answer.status == 200
    assert "<h1>Add</h1>" in answer.body.decode()


@pytest.mark.parametrize("query", ["", "op=", "page=2", "wsdlx", "&".join(["x"] * 100)])
def test_any_other_query_gets_the_help_page(calculator: Documentation, query: str) -> None:
    answer = calculator.answer(query, ADDRESS)
    assert answer.status == 200
    assert "<h1>calculator</h1>" in answer.body.decode()


@pytest.mark.parametrize("query", ["", "op=Add", "op=Copy", "op=Nope"])
def test_pages_are_html_that_no_cache_may_reuse(calculator: Documentation, query: str) -> None:
    headers = dict(calculator.answer(query, ADDRESS).headers)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "private, max-age=0"


def digest_of(tag: str, answer: Response) -> str:
    """How a policy names the page's one inline element of a kind."""
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", answer.body.decode(), re.DOTALL)
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


@pytest.mark.parametrize("query", ["", "op=Add", "op=Copy", "op=Nope"])
def test_a_page_may_show_and_run_its_own_and_nothing_else(calculator: Documentation, query: str) -> None:
    answer = calculator.answer(query, ADDRESS)
    may_run = f"script-src {digest_of('script', answer)}; connect-src 'self'; " if b"<script" in answer.body else ""
    assert bool(may_run) is (query in {"op=Add", "op=Copy"})
    assert dict(answer.headers)["content-security-policy"] == (
        f"default-src 'none'; style-src {digest_of('style', answer)}; {may_run}img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    page = Page(answer)
    assert [link["rel"] for link in page.all("link")] == ["icon"]
    assert not [script for script in page.all("script") if script]
    assert not {"img", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert not [a for _, attributes in page.elements for a in attributes if a == "style" or a.startswith("on")]


@pytest.mark.parametrize("operation", [operation.name for operation in OperationTable(application())])
def test_every_operation_is_linked_and_has_a_page(calculator: Documentation, operation: str) -> None:
    link = f"?op={operation}"
    assert link in Page(calculator.answer("", ADDRESS)).links()
    assert calculator.answer(link[1:], ADDRESS).status == 200


@pytest.mark.parametrize("query", ["", "op=Add", "op=Copy", "op=Nope"])
def test_pages_have_what_assistive_technology_needs(calculator: Documentation, query: str) -> None:
    page = Page(calculator.answer(query, ADDRESS))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
    (viewport,) = (meta for meta in page.all("meta") if meta.get("name") == "viewport")
    assert "width=device-width" in str(viewport["content"])
    ids = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    fields = [field["id"] for field in page.all("input") + page.all("select")]
    assert fields == [label["for"] for label in page.all("label")]
    assert bool(fields) is (query == "op=Add")
    assert len(page.all("section")) == len(page.all("pre"))
    assert bool(page.all("section")) is (query in {"op=Add", "op=Copy"})
    for block in page.all("section"):
        assert block["tabindex"] == "0"
        assert set(str(block["aria-labelledby"]).split()) <= set(ids)


@pytest.mark.parametrize("query", ["", "op=Add", "op=Nope"])
def test_pages_bring_their_own_icon(calculator: Documentation, query: str) -> None:
    """So that browsers ask for no /favicon.ico."""
    answer = calculator.answer(query, ADDRESS)
    (icon,) = (link for link in Page(answer).all("link") if link["rel"] == "icon")
    assert str(icon["href"]).startswith("data:image/svg+xml,")
    assert "img-src data:;" in dict(answer.headers)["content-security-policy"]


def test_an_unknown_operation_is_404_with_the_help_page_and_a_line(calculator: Documentation) -> None:
    answer = calculator.answer("op=Nope", ADDRESS)
    page = Page(answer)
    assert answer.status == 404
    assert "There is no operation named Nope." in page.text
    assert "?op=Add" in page.links()


@pytest.mark.parametrize(
    "name",
    ['"><svg onload=alert(1)>', "<script>alert(1)</script>", "{{ 7*7 }}", "'--><!--", "x" * 5000],
)
def test_what_a_client_sends_is_shown_as_text(calculator: Documentation, name: str) -> None:
    answer = calculator.answer(f"op={quote(name)}", ADDRESS)
    page = Page(answer)
    assert answer.status == 404
    assert name in page.text
    expected = [tag for tag, _ in Page(calculator.answer("op=Nope", ADDRESS)).elements]
    assert [tag for tag, _ in page.elements] == expected


def test_what_html_cannot_carry_is_not_reflected(calculator: Documentation) -> None:
    text = Page(calculator.answer("op=a%00%1b%FFb", ADDRESS)).text
    assert "There is no operation named a\ufffd\ufffd\ufffdb." in text


@pytest.mark.parametrize("host", ['a"><svg onload=x>', "a b", "a&b", "é", "a'b", "a\r\nb", "\ue000"])
@pytest.mark.parametrize("query", ["", "wsdl", "disco", "op=Add"])
def test_a_strange_host_breaks_no_document(calculator: Documentation, host: str, query: str) -> None:
    answer = calculator.answer(query, f"http://{host}/srv.asmx")
    assert answer.status == 200
    assert b"<svg" not in answer.body
    assert "\ue000" not in answer.body.decode()
    if query in {"wsdl", "disco"}:
        etree.fromstring(answer.body)
    else:
        Page(answer)


def test_a_path_with_special_characters_is_percent_encoded(calculator: Documentation) -> None:
    address = "https://example.com/Größe & <b>/my calc.asmx"
    encoded = "https://example.com/Gr%C3%B6%C3%9Fe%20&amp;%20%3Cb%3E/my%20calc.asmx"
    assert encoded in calculator.answer("wsdl", address).body.decode()
    page = Page(calculator.answer("op=Add", address))
    assert page.all("form")[0]["action"] == "my%20calc.asmx/Add"
    assert page.links() == ["my%20calc.asmx"]


def test_documents_of_one_address_are_made_once(calculator: Documentation) -> None:
    assert calculator.answer("wsdl", ADDRESS) is calculator.answer("WSDL", ADDRESS)
    assert calculator.answer("op=Add", ADDRESS) is calculator.answer("op=add", ADDRESS)


def test_documents_are_kept_for_a_few_addresses_only(calculator: Documentation) -> None:
    first = calculator.answer("disco", ADDRESS)
    for number in range(200):
        calculator.answer("disco", f"http://host{number}/srv.asmx")
    again = calculator.answer("disco", ADDRESS)
    assert again is not first
    assert again == first


def test_descriptions_are_the_docstrings(logins: AsmxEndpoint) -> None:
    """On the help page their first paragraph; in the WSDL everything but the sections."""
    wsdl = get(logins, "wsdl").body.decode()
    assert "over two lines.</wsdl:documentation>" in wsdl
    help_page = Page(get(logins, ""))
    assert "Log in & get <something>." in help_page.text
    assert "second paragraph" not in help_page.text
    assert "A second paragraph over two lines." in Page(get(logins, "op=LogIn")).text


def test_titles_name_the_product(logins: AsmxEndpoint, plain_logins: AsmxEndpoint) -> None:
    """Without one they say what the page is about. The page of an error does not tell the product's version."""

    def title(endpoint: AsmxEndpoint, query: str) -> str:
        (found,) = re.findall("<title>(.*)</title>", get(endpoint, query).body.decode())
        return str(found)

    assert title(logins, "") == "logins – Logins 1.2"
    assert title(logins, "op=LogIn") == "LogIn – logins – Logins 1.2"
    assert title(logins, "op=Nope") == "logins web service"
    assert b"Logins 1.2" not in get(logins, "op=Nope").body
    assert title(plain_logins, "") == "logins web service"
    assert title(plain_logins, "op=LogIn") == "LogIn – logins web service"


def test_a_page_tells_what_the_docstring_tells_of_parameters_and_errors(logins: AsmxEndpoint) -> None:
    """Parameters by their names on the wire or in Python."""
    answer = get(logins, "op=LogIn")
    page = Page(answer)
    described = {str(field["name"]): str(field["aria-describedby"]) for field in page.all("input")}
    assert described["UID"] == "p1-hint p1-meaning"
    assert described["TrustedUserPwd"] == "p2-hint"
    assert '<p class="meaning" id="p1-meaning">The &lt;name&gt;.</p>' in answer.body.decode()
    assert '<p class="meaning" id="p3-meaning">The new one, if there is one.</p>' in answer.body.decode()
    assert "No & no" in page.text
    assert "The <name> is wrong." in page.text
    assert "There is no such parameter" not in page.text
    assert "Args:" not in page.text


def test_a_page_shows_the_examples_answer_and_the_call_as_a_command(logins: AsmxEndpoint) -> None:
    text = Page(get(logins, "op=LogIn")).text
    assert '<root uid="j &lt;smith&gt;" />' in text
    assert (
        "curl http://example.com/Base/srv.asmx/LogIn --data-urlencode 'UID=j smith' "
        """--data-urlencode 'TrustedUserPwd=a'"'"'b' --data-urlencode """
    ) in text


def test_without_an_example_there_are_placeholders_and_no_answer(
    logins: AsmxEndpoint, plain_logins: AsmxEndpoint
) -> None:
    assert "Example answer" in Page(get(logins, "op=LogIn")).text
    text = Page(get(plain_logins, "op=LogIn")).text
    assert "Example answer" not in text
    assert "--data-urlencode 'UID=string'" in text


@pytest.mark.parametrize(
    ("examples", "complaint"),
    [
        ({"Nope": Example()}, "Nope: there is an example, but no such operation"),
        ({"LogIn": Example({"uid": "x"})}, "LogIn: the example has uid, which is no parameter"),
    ],
)
def test_an_example_of_an_unknown_operation_or_parameter_stops_the_start(
    examples: dict[str, Example], complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        logins_with(Pages("", examples))


def test_the_messages_are_folds_of_which_one_is_open_at_a_time(logins: AsmxEndpoint) -> None:
    """Browsers close the other ``details`` of the same name."""
    page = Page(get(logins, "op=LogIn"))
    assert [fold["name"] for fold in page.all("details")] == ["messages"] * 4
    assert not any("open" in fold for fold in page.all("details"))


def test_parameters_of_an_operation_without_a_form_are_described_too(logins_without_post: AsmxEndpoint) -> None:
    text = Page(get(logins_without_post, "op=LogIn")).text
    assert "newPassword" in text
    assert "The new one, if there is one." in text


def test_password_parameters_are_password_fields(logins: AsmxEndpoint) -> None:
    fields = {field["name"]: field for field in Page(get(logins, "op=LogIn")).all("input")}
    assert {name: field["type"] for name, field in fields.items()} == {
        "UID": "text",
        "TrustedUserPwd": "password",
        "newPassword": "password",
        "days": "text",
    }
    assert {field["autocomplete"] for field in fields.values()} == {"off"}


def test_values_that_must_be_there_are_required_and_what_may_be_left_out_says_so(
    calculator: Documentation, logins: AsmxEndpoint
) -> None:
    required = {field["name"]: "required" in field for field in Page(calculator.answer("op=Add", ADDRESS)).all("input")}
    assert required == {"a": True, "b": True}
    page = Page(get(logins, "op=LogIn"))
    assert not [field for field in page.all("input") if "required" in field]
    assert "int, optional" in page.text


def test_enumerations_are_chosen_from_a_list(calculator: Documentation) -> None:
    page = Page(calculator.answer("op=Mix", ADDRESS))
    assert [field["name"] for field in page.all("select")] == ["first", "second"]
    assert page.text.count("Green\n") == 2


@pytest.mark.parametrize("page_path", ["/srv.asmx", "/SRV.ASMX"])
def test_the_form_posts_to_the_operation_under_any_path_base(logins: AsmxEndpoint, page_path: str) -> None:
    page = Page(get(logins, "op=LogIn", page_path))
    form = page.all("form")[0]
    assert form["method"] == "post"
    target = urljoin(f"https://example.com/Base{page_path}?op=LogIn", form["action"])
    assert target == "https://example.com/Base/srv.asmx/LogIn"
    body = "&".join(f"{field['name']}=" for field in page.all("input")).encode()
    headers = HeaderMap([("content-type", "application/x-www-form-urlencoded")])
    answer = logins.handle(Request("POST", "/srv.asmx/LogIn", "", headers, body))
    assert (answer.status, answer.body.splitlines()[1]) == (200, b'<root uid="" />')


def test_without_the_post_binding_a_sentence_replaces_the_form(logins_without_post: AsmxEndpoint) -> None:
    page = Page(get(logins_without_post, "op=LogIn"))
    assert not page.all("form")
    assert "HTTP POST protocol is switched off" in page.text


def test_an_operation_that_takes_objects_says_that_it_has_no_form(calculator: Documentation) -> None:
    page = Page(calculator.answer("op=Copy", ADDRESS))
    assert not page.all("form")
    assert "Call it with SOAP" in page.text


def test_the_help_page_lists_addresses_of_bindings_that_are_on(calculator: Documentation) -> None:
    text = Page(calculator.answer("", ADDRESS)).text
    assert "SOAP 1.1 and SOAP 1.2" in text
    assert f"{ADDRESS}/Operation" in text
    text = Page(documentation(Binding.SOAP11, Binding.GET, Binding.POST).answer("", ADDRESS)).text
    assert "SOAP 1.2" in text
    assert "SOAP 1.1" not in text
    assert "/Operation" not in text


@pytest.mark.parametrize("query", ["", "wsdl", "disco", "op=LogIn", "op=Nope"])
def test_head_is_answered_as_get(logins: AsmxEndpoint, query: str) -> None:
    """The server sends the body's length and not the body (RFC 9110 section 9.3.2)."""
    head, got = (logins.handle(Request(verb, "/srv.asmx", query, HeaderMap())) for verb in ("HEAD", "GET"))
    assert head == got
    assert head.body


def test_jinja_is_imported_with_the_first_page() -> None:
    """A server whose help pages are off never loads it."""
    script = (
        "import sys; from spyne_asmx import ALL_BINDINGS; from spyne_asmx.documentation import Documentation;"
        "from spyne_asmx.operations import OperationTable; from tests.spyne_asmx.calculator import application;"
        "pages = Documentation(OperationTable(application()), 'calculator', ALL_BINDINGS);"
        "pages.answer('wsdl', 'http://a/'); before = 'jinja2' in sys.modules;"
        "pages.answer('', 'http://a/'); print(before, 'jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "True"]
