"""We give the answers that were recorded of an ASP.NET ASMX service, but for those in a table that CONTRACT changes."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from werkzeug.test import TestResponse

from tests.support.service import SOAP12, Service

RECORD = Path(__file__).with_name("asmx-exchanges.txt")
TEXT_XML = "text/xml; charset=utf-8"
SOAP_XML = "application/soap+xml; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, its content type and what it means.

    The meaning of a result is its document, ticket and expiry aside; of a fault its code and text; of plain text the
    text; of anything else, nothing.
    """

    status: int
    content_type: str
    meaning: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """One recorded request, and the answer to it."""

    name: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    answer: Answer


def exchanges() -> Iterator[Exchange]:
    """The record, exchange by exchange."""
    for name, text in re.findall(r"^=== (\S+)\n(.*?)(?=^=== |\Z)", RECORD.read_text(), re.DOTALL | re.MULTILINE):
        asked, status, answered = re.split(r"^< (\d+) .*\n", text, maxsplit=1, flags=re.MULTILINE)
        request = re.sub(r"^> ?", "", asked, flags=re.MULTILINE)
        (first, *lines), body = _head_and_body(request.removesuffix("\n"))
        method, target = first.split()
        answer_lines, answer_body = _head_and_body(answered)
        content_type = dict(_header(line) for line in answer_lines)["Content-Type"]
        answer = Answer(int(status), content_type, meaning(content_type, answer_body.strip()))
        yield Exchange(name, method, target, [_header(line) for line in lines], body, answer)


def _head_and_body(message: str) -> tuple[list[str], str]:
    head, _, body = message.partition("\n\n")
    return head.splitlines(), body


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value


def meaning(content_type: str, body: str) -> tuple[str, ...]:
    """What an answer's body says."""
    if content_type.startswith("text/plain"):
        return ("text", _said(body))
    if "xml" not in content_type or not body.startswith("<"):
        return ()
    root = ElementTree.fromstring(body)
    code = root.findtext(".//faultcode") or root.findtext(f".//{{{SOAP12}}}Value")
    if code is not None:
        text = root.findtext(".//faultstring") or root.findtext(f".//{{{SOAP12}}}Text")
        return ("fault", code, _said(text or ""))
    return ("result", re.sub(r' (ticket|expireOn)="[^"]*"', r' \1="…"', body))


def _said(text: str) -> str:
    """The sentence, without the exception's name before it and the argument's name behind it."""
    return re.sub(r"System\.[\w.]+: |\nParameter name: \w+$", "", html.unescape(text))


UNREADABLE = (
    "fault",
    "soap:Client",
    "Server was unable to read request. ---> There is an error in XML document {0}.",
)
ROOT = (
    '<root success="true" ticket="…" userid="42" username="jsmith" firstName="John" lastName="Smith" '
    'fullname="John Smith" email="jsmith@example.com" expireOn="…" isAuthenticated="True" xmlns="" />'
)
LOGGED_IN = (
    "result",
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
    f'<AuthenticateUserResponse xmlns="http://tempuri.org/"><AuthenticateUserResult>{ROOT}</AuthenticateUserResult>'
    "</AuthenticateUserResponse></soap:Body></soap:Envelope>",
)

# Exchange: our answer, and why it differs. {0} stands for any text.
DIFFERENT = {
    "soap11-action-empty": (
        Answer(200, TEXT_XML, LOGGED_IN),
        "2.1: an empty SOAPAction leaves it to the body; clients that send it exist",
    ),
    "soap11-action-body-mismatch": (
        Answer(500, TEXT_XML, ("fault", "soap:Client", "The SOAPAction header names the operation {0}")),
        "2.1: running one operation under another's name is a known attack",
    ),
    "soap11-wrong-ns": (
        Answer(500, TEXT_XML, ("fault", "soap:Client", "The SOAPAction header names the operation {0}")),
        "2.1 and SECURITY D13: an element of another namespace is another operation",
    ),
    "soap11-unqualified-params": (
        Answer(200, TEXT_XML, LOGGED_IN),
        "2.1: SOAP::Lite and PHP send them; ASMX drops them silently",
    ),
    "soap11-malformed-xml": (Answer(400, TEXT_XML, UNREADABLE), "2.4: the answer is a fault, not an empty body"),
    "soap11-empty-body": (Answer(400, TEXT_XML, UNREADABLE), "2.4: the answer is a fault, not an empty body"),
    "soap11-dtd-entity": (Answer(400, TEXT_XML, UNREADABLE), "2.4: the answer is a fault, not an empty body"),
    "soap12-malformed": (
        Answer(400, SOAP_XML, (UNREADABLE[0], "soap:Sender", UNREADABLE[2])),
        "2.4: what is not well-formed is the client's fault, in SOAP 1.2 too",
    ),
    "head-op": (Answer(405, PLAIN, ("text", "")), "2.4: on an operation 405, nothing runs"),
    "put-op": (Answer(405, PLAIN, ("text", "Method not allowed.")), "2.4: any other method is 405"),
    "delete-root": (Answer(405, PLAIN, ("text", "Method not allowed.")), "2.4: 405; no page of the web server"),
    "options-root": (Answer(405, PLAIN, ("text", "Method not allowed.")), "2.4: 405; no page of the web server"),
    "post-form-root": (
        Answer(415, PLAIN, ("text", "The content type is not supported.")),
        "2.4: a content type that is neither SOAP's is 415",
    ),
    "post-text-plain": (
        Answer(415, PLAIN, ("text", "The content type is not supported.")),
        "2.4: 415; the answer says why",
    ),
    "not-found": (Answer(404, PLAIN, ("text", "Not found.")), "2.4: no page of the web server, nor a path in it"),
    "root": (Answer(302, PLAIN, ("text", "Found.")), "2.4: the root leads to the help page; no page of the web server"),
}

HTML = "text/html; charset=utf-8"

# The documents of 2.5: status and content type of our answer, and, where they differ, why.
DOCUMENTS = {
    "help": (200, HTML, "L3 of SECURITY: every content type has its charset"),
    "help-op": (200, HTML, "2.5: the recorded server could not make its own page"),
    "help-op-unknown": (404, HTML, "2.4: 404, the help page with a line saying so"),
    "disco": (200, TEXT_XML, ""),
    "wsdl": (200, TEXT_XML, ""),
    "wsdl-lower": (200, TEXT_XML, ""),
    "schema": (200, HTML, "2.5: the schema is in the WSDL; other queries get the help page"),
}

ALL = list(exchanges())
CALLS = [exchange for exchange in ALL if exchange.name not in DOCUMENTS]


def test_the_record_is_read_whole() -> None:
    """Every exchange of the file is one here, and every difference names one."""
    names = [exchange.name for exchange in ALL]
    assert names == re.findall(r"^=== (\S+)$", RECORD.read_text(), re.MULTILINE)
    assert len(set(names)) == 47
    assert set(names) >= DIFFERENT.keys() | DOCUMENTS
    assert {exchange.method for exchange in ALL} == {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"}


@pytest.mark.parametrize("exchange", CALLS, ids=lambda exchange: exchange.name)
def test_we_answer_as_asmx_did(service: Service, exchange: Exchange) -> None:
    """Status, content type and meaning; results to the letter."""
    expected = DIFFERENT[exchange.name][0] if exchange.name in DIFFERENT else exchange.answer
    response = replay(service, exchange)
    answered = Answer(response.status_code, response.content_type, meaning(response.content_type, response.text))
    assert (answered.status, answered.content_type) == (expected.status, expected.content_type)
    assert len(answered.meaning) == len(expected.meaning)
    for said, wanted in zip(answered.meaning, expected.meaning, strict=True):
        assert _says(said, wanted), (said, wanted)


@pytest.mark.parametrize("name", DIFFERENT)
def test_each_difference_is_one_and_has_a_reason(name: str) -> None:
    """Where the record itself would do, the table has no entry."""
    (recorded,) = [exchange.answer for exchange in ALL if exchange.name == name]
    answer, reason = DIFFERENT[name]
    assert answer != recorded
    assert re.match(r"2\.[1-4]", reason)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_we_serve_the_documents_that_asmx_did(service: Service, name: str) -> None:
    """Status and content type; the discovery document to the letter. (srv.wsdl has a test of its own.)"""
    (exchange,) = [exchange for exchange in ALL if exchange.name == name]
    status, content_type, reason = DOCUMENTS[name]
    response = replay(service, exchange)
    assert (response.status_code, response.content_type) == (status, content_type)
    assert bool(reason) == ((status, content_type) != (exchange.answer.status, exchange.answer.content_type))
    if name == "disco":
        assert meaning(response.content_type, response.text) == exchange.answer.meaning


def replay(service: Service, exchange: Exchange) -> TestResponse:
    """Send the recorded request as it was."""
    return service.http.open(
        exchange.target, method=exchange.method, data=exchange.body.encode(), headers=exchange.headers
    )


def _says(said: str, wanted: str) -> bool:
    """Whether a text is the wanted one, in which {0} and the like stand for any text and white space for any other."""
    pattern = re.sub(r"(\\\s|\s)+", r"\\s+", re.sub(r"\\\{\d\\\}", ".*", re.escape(wanted)))
    return re.fullmatch(pattern, said, re.DOTALL) is not None
