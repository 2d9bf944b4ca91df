"""What can go wrong on the wire, and how ASMX reports it.

Any part of the code may raise a fault. The request's binding decides how it is written: an envelope with a Fault for
SOAP, one sentence of plain text for GET and POST forms.
"""

from enum import Enum


class FaultCode(Enum):
    """A fault's code: its name in SOAP 1.1 and in SOAP 1.2 (SOAP 1.2 part 1, section 5.4.6)."""

    CLIENT = ("Client", "Sender")
    SERVER = ("Server", "Receiver")
    VERSION_MISMATCH = ("VersionMismatch", "VersionMismatch")
    MUST_UNDERSTAND = ("MustUnderstand", "MustUnderstand")


class AsmxFault(Exception):
    """A request that is answered with a fault. The message is what the client reads."""

    code = FaultCode.CLIENT
    subcodes: tuple[str, ...] = ()
    own_code = ""
    actor = ""
    detail = ""
    language = ""
    status = 500
    form_status = 500

    @property
    def text(self) -> str:
        return str(self)

    @property
    def is_servers(self) -> bool:
        """Whether the fault is the server's, so that the same request may work later."""
        return self.code is FaultCode.SERVER

    @property
    def form_text(self) -> str:
        """What a GET or POST form client reads."""
        return str(self)


class ClientFault(AsmxFault):
    """The request can't be run as it is."""


class Unreadable(AsmxFault):
    """The body is not XML that the reader accepts."""

    status = 400

    def __init__(self, line: int, column: int) -> None:
        super().__init__(
            f"Server was unable to read request. ---> There is an error in XML document ({line}, {column})."
        )


class TooMuch(AsmxFault):
    """The request exceeds a limit. The XML itself may be in order."""

    status = 400

    def __init__(self, limit: str) -> None:
        super().__init__(f"Server was unable to read request. ---> The request has {limit}.")


class VersionMismatch(AsmxFault):
    """The root is no SOAP envelope."""

    code = FaultCode.VERSION_MISMATCH

    def __init__(self, namespace: str) -> None:
        super().__init__(
            f"Possible SOAP version mismatch: Envelope namespace {namespace} was unexpected. "
            "Expecting http://schemas.xmlsoap.org/soap/envelope/."
        )


class NotUnderstood(AsmxFault):
    """A header must be understood, and is not."""

    code = FaultCode.MUST_UNDERSTAND

    def __init__(self, header: str) -> None:
        super().__init__(f"SOAP header {header} was not understood.")


class ServerFault(AsmxFault):
    """A bug of the server or the service. Only the log has the reason, under the request's id."""

    code = FaultCode.SERVER

    def __init__(self) -> None:
        super().__init__("Server was unable to process request.")


class ServiceUnavailable(AsmxFault):
    """The service can't answer now. The client may keep what it has and try again in ``retry_after`` seconds."""

    code = FaultCode.SERVER
    form_status = 503
    sentence = "The service is temporarily unavailable."

    def __init__(self, retry_after: int = 2) -> None:
        super().__init__(f"Server was unable to process request. ---> {self.sentence}")
        self.retry_after = retry_after

    @property
    def form_text(self) -> str:
        return self.sentence


class ServiceFault(AsmxFault):
    """A fault that the service itself raised.

    ``subcodes`` refine the code, from the general to the particular. ``own_code`` replaces a code that is not one of
    SOAP's, as ``{namespace}name`` or as a name alone. ``detail`` is markup.
    """

    def __init__(
        self,
        code: FaultCode,
        text: str,
        *,
        subcodes: tuple[str, ...] = (),
        own_code: str = "",
        actor: str = "",
        detail: str = "",
        language: str = "",
    ) -> None:
        super().__init__(text)
        self.code = code
        self.subcodes = subcodes
        self.own_code = own_code
        self.actor = actor
        self.detail = detail
        self.language = language


class HttpError(Exception):
    """A request that is refused with an HTTP status and plain text, before a SOAP or form binding answers it."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


def unknown_action(action: str) -> ClientFault:
    return ClientFault(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")


def unknown_element(local_name: str, namespace: str) -> ClientFault:
    where = f"the namespace {namespace}" if namespace else "no namespace"
    return ClientFault(f"Server did not recognize the request element {local_name} in {where}.")


def unknown_operation(name: str) -> ClientFault:
    return ClientFault(f"{name} Web Service method name is not valid.")


def wrong_case(name: str, meant: str) -> ClientFault:
    return ClientFault(
        f"Invalid method name '{name}', method names are case sensitive. "
        f"The method name '{meant}' with the same name but different casing was found."
    )


def missing_parameter(name: str) -> ClientFault:
    return ClientFault(f"Missing parameter: {name}.")


def invalid_form(content_type: str) -> ClientFault:
    return ClientFault(f"Request format is invalid: {content_type}.")


def binding_off(path_end: str) -> ClientFault:
    return ClientFault(f"Request format is unrecognized for URL unexpectedly ending in '{path_end}'.")
