"""``spyne_asmx.forms.decode`` and the GET and POST bindings: a form means what it means to a reader that goes a byte at
a time, or it is refused with 400 or 415; each answer is one of the contract; and the rules get the values of the form
and no others.

Input: a line with ``GET`` or a POST's content type, a line with the operation, then the query or the body. Slashes
before the operation count as the one that separates it from the file (CONTRACT 2.3); dot segments are resolved.
"""

from spyne_asmx import Request
from spyne_asmx.faults import HttpError
from spyne_asmx.forms import FORM_MEDIA_TYPE, decode
from spyne_asmx.http import HeaderMap, parse_media_type
from tests.fuzz.references import form_of, operation_of
from tests.fuzz.target import MAY_BE_LEFT_OUT, PARAMETERS, Target, expected

MAX_LENGTH = 4096
TOKENS = (
    *(
        b"GET\n",
        b"/",
        b"./",
        b"../",
        b"../srv.asmx/",
        b"application/x-www-form-urlencoded\n",
        b"application/x-www-form-urlencoded; charset=",
    ),
    *(b"iso-8859-1", b"us-ascii", b"windows-1252", b"utf-8", b"multipart/form-data; boundary=b", b"application/json"),
    *(b"charset*=utf-8''", b"latin9", b"cp65001", b"win-1251", b"shift_jis", b"%uD83D", b"%uDE00"),
    *(name.encode() + b"\n" for name in PARAMETERS),
    *(b"UID=", b"PWD=", b"&Lang=", b"&OldTicket=", b"&AuthenticationTicket=", b"TrustedUserPwd=", b"&UserName="),
    *(b"&", b"=", b"+", b"%", b";", b"%00", b"%C3%A9", b"%c0%80", b"%ed%a0%80", b"%u0041", b"%EF%BF%BF", b"\xc3\xa9"),
    *(b"\xff",),
)
_target = Target()


def check(data: bytes) -> None:
    kind, _, rest = data.partition(b"\n")
    operation, _, form = rest.partition(b"\n")
    content_type, path = kind.decode("latin-1"), operation.decode("utf-8", "surrogateescape")
    name = operation_of(path)
    is_query = kind == b"GET"
    charset = None if is_query else parse_media_type(content_type).charset
    parameters = PARAMETERS.get(name)
    names = {parameter.lower() for parameter in parameters or ()}
    fields = _decoded(form, charset, names)
    if is_query:
        # As a server passes it on.
        request = Request("GET", f"/srv.asmx/{path}", form.decode("utf-8", "surrogateescape"), HeaderMap())
    else:
        headers = HeaderMap([("content-type", content_type)])
        request = Request("POST", f"/srv.asmx/{path}", "UID=query&PWD=query", headers, form)
    response, asked = _target.ask(request)
    if name == "ServerInfo":
        assert response.status == 200 or not is_query
        return
    is_form = is_query or parse_media_type(content_type).name == FORM_MEDIA_TYPE
    if parameters is None or not is_form or fields is None or not _is_complete(parameters, fields):
        assert not asked, asked
        assert response.status != 200 or not name
    else:
        given = {parameter: fields.get(parameter.lower()) for parameter in parameters}
        assert response.status == 200
        assert asked == expected(name, given), (asked, given)


def _decoded(form: bytes, charset: str | None, names: set[str]) -> dict[str, str] | None:
    """The fields, or None if the form is refused. Both readers must agree."""
    try:
        reference = form_of(form, charset, names)
    except LookupError:
        status = 415
        reference = None
    else:
        status = 400
    try:
        fields = decode(form, charset, names)
    except HttpError as error:
        assert reference is None, (reference, error)
        assert error.status == status
        return None
    assert fields == reference, (fields, reference)
    return fields


def _is_complete(parameters: tuple[str, ...], fields: dict[str, str]) -> bool:
    return all(parameter in MAY_BE_LEFT_OUT or parameter.lower() in fields for parameter in parameters)
