"""The ways an ASMX service can be called, named as web.config's ``webServices/protocols`` names them."""

from enum import StrEnum


class Binding(StrEnum):
    """A binding that can be switched on and off."""

    SOAP11 = "HttpSoap"
    SOAP12 = "HttpSoap12"
    GET = "HttpGet"
    POST = "HttpPost"
    DOCUMENTATION = "Documentation"


ALL_BINDINGS = frozenset(Binding)
