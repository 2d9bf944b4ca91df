"""Where a request carries its ticket: in the parameter, else in the header, else in the cookie, and never in a second
place when the first ticket is wrong (CONTRACT 1.2, SECURITY D3 and D15). Each answer is one of the contract, and the
ticket that the reference finds reaches the rules.

Input: lines that begin with ``P``, the parameter, ``A``, an Authorization header, ``C``, a Cookie header, or ``S``, a
Sec-Fetch-Site header. Header lines are ISO-8859-1, as WSGI hands them over.
"""

import re
from urllib.parse import quote_from_bytes

from spyne_asmx import Request
from spyne_asmx.http import HeaderMap
from tests.fuzz.references import cookie_tickets, form_of, guid_of, header_ticket, is_given, joined_lines
from tests.fuzz.target import Target

MAX_LENGTH = 2048
_GUID = b"16a0207a-b6d0-4b3c-991f-d27c48a883d3"
TOKENS = (
    *(
        b"\nP",
        b"\nA",
        b"\nC",
        b"\nS",
        b"SOTicket ",
        b"Bearer ",
        b"Basic ",
        b", SOTicket ",
        b",Bearer ",
        b"ticket=",
        b"; ticket=",
        b"Ticket=",
    ),
    *(b'ticket="', _GUID, b"{" + _GUID + b"}", _GUID.replace(b"-", b""), _GUID.replace(b"1", b"2"), b'"', b";", b","),
    *(b"=", b"\\054", b"same-origin", b"same-site", b"cross-site", b"none", b"\xa0", b"\xe9", b"\xc3\xa9"),
    *(b"$Version=1", b"\t"),
)
_HEADERS = {"A": "authorization", "C": "cookie", "S": "sec-fetch-site"}
_target = Target()


def check(data: bytes) -> None:
    lines = [line.decode("latin-1") for line in data.split(b"\n")]
    headers = [(_HEADERS[line[0]], line[1:]) for line in lines if line[:1] in _HEADERS]
    parameters = [line[1:].encode("latin-1") for line in lines if line[:1] == "P"]
    supplied = quote_from_bytes(parameters[0]) if parameters else ""
    if form_of(f"P={supplied}".encode(), None) is None:
        return  # The harness of forms has those.
    text = parameters[0].decode("utf-8", "replace") if parameters else ""
    header, cookie = _in_header(headers), _in_cookie(headers)
    _check_use(headers, supplied, text, header or cookie)
    _check_renewal(headers, supplied, text, guid_of(header or "") or guid_of(cookie or ""))


def _check_use(headers: list[tuple[str, str]], supplied: str, text: str, carried: str | None) -> None:
    ticket = text if is_given(text) else carried or ""
    for operation, rule in (("isValidTicket", "validate"), ("GetCurrentUser", "use"), ("LogOut", "log_out")):
        query = f"AuthenticationTicket={supplied}" if supplied else ""
        response, asked = _target.ask(Request("GET", f"/srv.asmx/{operation}", query, HeaderMap(headers)))
        assert response.status == 200
        assert asked == [(rule, guid_of(ticket))] or _is_an_odd_cookie(headers, asked), (asked, ticket)


def _check_renewal(headers: list[tuple[str, str]], supplied: str, text: str, carried: bytes | None) -> None:
    query = f"UID=a&PWD=b&OldTicket={supplied}"
    response, asked = _target.ask(Request("GET", "/srv.asmx/RenewTicket", query, HeaderMap(headers)))
    assert response.status == 200
    if is_given(text):
        guid = guid_of(text)
        assert asked == ([("renew", "a", "b", None, guid)] if guid else [])
    else:
        assert asked == [("renew", "a", "b", None, carried)] or _is_an_odd_cookie(headers, asked), (asked, carried)


def _in_header(headers: list[tuple[str, str]]) -> str | None:
    values = [value for name, value in headers if name == "authorization"]
    tickets = {header_ticket(line) for value in values for line in joined_lines(value)} - {None}
    return None if not tickets else tickets.pop() if len(tickets) == 1 else "two of them"


def _in_cookie(headers: list[tuple[str, str]]) -> str | None:
    site = next((value for name, value in headers if name == "sec-fetch-site"), None)
    if site not in {None, "none", "same-origin", "same-site"}:
        return None
    tickets = cookie_tickets([value for name, value in headers if name == "cookie"])
    return None if not tickets else tickets.pop() if len(tickets) == 1 else "two of them"


def _is_an_odd_cookie(headers: list[tuple[str, str]], asked: list[tuple[object, ...]]) -> bool:
    """Readers of cookies treat quotes and bytes outside ASCII differently. A ticket that was taken must at least be in
    the cookie.
    """
    cookies = "; ".join(value for name, value in headers if name == "cookie")
    if ('"' not in cookies and cookies.isascii()) or _in_header(headers) is not None:
        return False
    (*_, guid) = asked[0]
    digits = re.sub(r"\\([0-3][0-7]{2}|.)", _unescaped, cookies).replace("-", "").lower()
    return guid is None or ("ticket" in cookies.lower() and isinstance(guid, bytes) and guid.hex() in digits)


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 8)) if len(escape[1]) == 3 else escape[1]
