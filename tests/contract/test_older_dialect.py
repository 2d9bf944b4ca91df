"""WebServices:RootElement=response: the answers of the server's versions 7, which the client libraries of that time
read.
"""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from werkzeug.test import TestResponse

from tests.contract.steps import FAILED, INVALID, in_every_binding
from tests.contract.test_operations import OPERATIONS, with_ticket
from tests.support.service import GUID, PASSWORD, TRUSTED_PASSWORD, Service

Call = Callable[..., TestResponse]


@pytest.fixture
def older(make_service: Callable[..., Service]) -> Service:
    return make_service(WebServices__RootElement="response")


def answer_of(answer: TestResponse) -> ElementTree.Element:
    """An answer's own element, whatever is around it."""
    document = ElementTree.fromstring(answer.data)
    return next(element for element in document.iter() if "success" in element.attrib)


def minted(service: Service) -> str:
    answer = service.soap("CreateTicketforUser", TrustedUserPwd=TRUSTED_PASSWORD, UserName="jsmith")
    return answer_of(answer).attrib["ticket"]


@in_every_binding
@pytest.mark.parametrize(("operation", "parameters", "attributes"), OPERATIONS)
def test_success_is_a_response_with_an_empty_error(
    older: Service,
    service: Service,
    call: Call,
    operation: str,
    parameters: dict[str, str],
    attributes: str,
) -> None:
    """What the pages of versions 7 show: ``<response success="true" error="" …>``; all else is the same."""
    given = {name: minted(older) if value.startswith("<") else value for name, value in parameters.items()}
    answer = answer_of(call(older, operation, **given))
    assert answer.tag == "response"
    assert list(answer.attrib) == attributes.replace("success", "success error", 1).split()
    assert (answer.attrib["success"], answer.attrib["error"]) == ("true", "")
    newer = answer_of(call(service, operation, **with_ticket(service, parameters)))
    assert newer.tag == "root"
    assert [child.tag for child in answer.iter()][1:] == [child.tag for child in newer.iter()][1:]


@in_every_binding
@pytest.mark.parametrize(
    ("operation", "parameters", "error"),
    [
        ("AuthenticateUser", {"UID": "jsmith", "PWD": "wrong"}, FAILED),
        ("AuthenticateUser1", {"UID": "nobody", "PWD": "x", "Lang": "de"}, FAILED),
        ("RenewTicket", {"UID": "jsmith", "PWD": PASSWORD, "OldTicket": "x"}, "invalid ticket format"),
        ("isValidTicket", {"AuthenticationTicket": "x"}, INVALID),
        ("GetCurrentUser", {}, INVALID),
        ("CreateTicketforUser", {"TrustedUserPwd": "x", "UserName": "jsmith"}, FAILED),
    ],
)
def test_a_refusal_is_a_response_too(
    older: Service, call: Call, operation: str, parameters: dict[str, str], error: str
) -> None:
    answer = answer_of(call(older, operation, **parameters))
    assert (answer.tag, dict(answer.attrib)) == ("response", {"success": "false", "error": error})


def test_the_answer_to_a_form_to_the_byte(older: Service) -> None:
    answer = older.get("LogOut", AuthenticationTicket=minted(older))
    assert answer.data == b'<?xml version="1.0" encoding="utf-8"?>\n<response success="true" error="" />'


def test_the_answer_over_soap_to_the_byte(older: Service) -> None:
    """The element is in no namespace, as ``root`` is."""
    answer = older.soap("LogOut", AuthenticationTicket=minted(older))
    assert b'<LogOutResult><response success="true" error="" xmlns="" /></LogOutResult>' in answer.data


@pytest.mark.parametrize("query", ["WSDL", "disco"])
def test_the_service_description_does_not_change(older: Service, service: Service, query: str) -> None:
    assert older.http.get(f"/srv.asmx?{query}").data == service.http.get(f"/srv.asmx?{query}").data


def test_faults_do_not_change(older: Service, service: Service) -> None:
    assert older.get("AuthenticateUser").text == service.get("AuthenticateUser").text == "Missing parameter: UID."


def test_a_ticket_of_the_older_dialect_works(older: Service) -> None:
    answer = answer_of(older.soap("isValidTicket", AuthenticationTicket=minted(older)))
    assert answer.attrib["username"] == "jsmith"


def test_the_path_that_the_ruby_library_takes_leads_to_the_ticket(older: Service) -> None:
    """It calls with Savon, which makes the envelope from the WSDL, and reads ``AuthenticateUserResult/response``."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:tns="http://tempuri.org/" '
        'xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body><tns:AuthenticateUser>'
        f"<tns:UID>jsmith</tns:UID><tns:PWD>{PASSWORD}</tns:PWD></tns:AuthenticateUser></env:Body></env:Envelope>"
    )
    headers = {"SOAPAction": '"http://tempuri.org/AuthenticateUser"', "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6"}
    answer = older.http.post("/srv.asmx", data=body, content_type="text/xml;charset=UTF-8", headers=headers)
    path = "{*}Body/{*}AuthenticateUserResponse/{*}AuthenticateUserResult/response"
    response = ElementTree.fromstring(answer.data).find(path)
    assert response is not None
    assert (response.attrib["success"], response.attrib["error"]) == ("true", "")
    assert GUID.fullmatch(response.attrib["ticket"])
