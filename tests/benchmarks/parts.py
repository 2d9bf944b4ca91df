"""The parts of one isValidTicket, each by itself: ``python -m tests.benchmarks parts``."""

import timeit
from collections.abc import Callable
from statistics import median

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.service import LIMITS
from asmx_tickets.settings.model import load_settings
from asmx_tickets.tickets.ticket import format_guid, new_guid, parse_guid
from spyne_asmx import Request, soap, xml
from spyne_asmx.http import HeaderMap, parse_media_type
from spyne_asmx.soap import SOAP11
from tests.benchmarks.messages import PATH, soap_body
from tests.support.service import NAMESPACE, TRUSTED_PASSWORD

_LIVE = 100_000
_ROUNDS = 5
_CONTENT_TYPE = "text/xml; charset=utf-8"


def table(live: int = _LIVE) -> str:
    """Microseconds a call, medians of five, in Markdown."""
    rows = [f"| {name} | {_microseconds(part):.2f} |" for name, part in _parts(live).items()]
    return "\n".join(["| part | us |", "|---|---:|", *rows])


def _parts(live: int) -> dict[str, Callable[[], object]]:
    composition = compose(load_settings(environ={}), demo=True)
    guid = _fill(composition, live)
    text = format_guid(guid)
    body = soap_body(text).encode()
    endpoint = composition.site.endpoint
    operation = endpoint.operations.by_name["isValidTicket"]
    authentication, tickets = composition.authentication, composition.tickets
    begun = composition.site.begin(_request(body))
    composition.site.finish(begun)
    result = begun.out_object[0]
    parameters = operation.call_values(_decode(endpoint, body).entry)
    return {
        "read the XML": lambda: xml.read(body, "utf-8"),
        "read the XML, decode the envelope": lambda: _decode(endpoint, body),
        "the operation's arguments": lambda: operation.arguments.from_elements(
            parameters, xml.DEFAULT_LIMITS.value_length
        ),
        "parse_media_type": lambda: parse_media_type(_CONTENT_TYPE),
        "parse_guid": lambda: parse_guid(text),
        f"look among {live:,} tickets": lambda: tickets.look(guid),
        "validate: look, and whose it is": lambda: authentication.validate(guid),
        "encode the answer": lambda: operation.envelope([result], SOAP11),
        "begin: all before the call": lambda: composition.site.begin(_request(body)),
        "begin and finish: all but the HTTP server": lambda: composition.site.handle(_request(body)),
        "the same over GET": lambda: composition.site.handle(_get(text)),
    }


def _fill(composition: Composition, live: int) -> bytes:
    """One of John's tickets, minted with the trusted password among many added to the cache."""
    for _ in range(live - 1):
        composition.tickets.add(new_guid(), user_id=42, security_stamp=0, language="en", previous_logon=None)
    return composition.authentication.create_for_user(TRUSTED_PASSWORD, "jsmith").guid


def _decode(endpoint: object, body: bytes) -> soap.DecodedEnvelope:
    operations = endpoint.operations  # type: ignore[attr-defined]
    return soap.decode(
        body,
        version=SOAP11,
        charset="utf-8",
        header_action=f"{NAMESPACE}isValidTicket",
        action=None,
        routes=operations.routes,
        limits=LIMITS,
    )


def _request(body: bytes) -> Request:
    headers = HeaderMap((("content-type", _CONTENT_TYPE), ("soapaction", f'"{NAMESPACE}isValidTicket"')))
    return Request("POST", PATH, "", headers, body, host="127.0.0.1")


def _get(ticket: str) -> Request:
    return Request("GET", f"{PATH}/isValidTicket", f"AuthenticationTicket={ticket}", HeaderMap(), host="127.0.0.1")


def _microseconds(part: Callable[[], object]) -> float:
    timer = timeit.Timer(part)
    number = max(1, timer.autorange()[0] // 4)
    return median(timer.repeat(_ROUNDS, number)) / number * 1e6
