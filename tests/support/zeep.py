"""zeep as a client of an endpoint, without a network."""

from typing import Any

import requests
from zeep.transports import Transport

from spyne_asmx import AsmxEndpoint, Request
from spyne_asmx.http import HeaderMap

_XSD = "http://www.w3.org/2001/XMLSchema"
_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_ENCODING_SCHEMA = f"""<schema xmlns="{_XSD}" targetNamespace="{_ENCODING}"><complexType name="Array"/></schema>"""


class OfflineTransport(Transport):
    """Has the schema of SOAP's encoding, which ASMX imports for forms with arrays."""

    def load(self, url: str) -> bytes:
        return _ENCODING_SCHEMA.encode() if url == _ENCODING else super().load(url)


class EndpointTransport(OfflineTransport):
    """Takes zeep's requests to an endpoint."""

    def __init__(self, endpoint: AsmxEndpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        pairs = HeaderMap([(name.lower(), value) for name, value in headers.items()])
        answer = self._endpoint.handle(Request("POST", self._endpoint.path, "", pairs, message))
        response = requests.Response()
        response.status_code, response._content = answer.status, answer.body
        response.headers.update(answer.headers)
        return response
