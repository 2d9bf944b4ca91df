"""zeep as a client of an endpoint, without a network."""

from typing import Any

from zeep.transports import Transport

from spyne_asmx import AsmxEndpoint, Request
from spyne_asmx.http import HeaderMap


class EndpointTransport(Transport):
    """Takes zeep's requests to an endpoint, without a network."""

    def __init__(self, endpoint: AsmxEndpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        pairs = [(name.lower(), value) for name, value in headers.items()]
        answer = self._endpoint.handle(Request("POST", self._endpoint.path, "", HeaderMap(pairs), message))
        return _ZeepResponse(answer.status, answer.body, dict(answer.headers))


class _ZeepResponse:
    encoding = "utf-8"

    def __init__(self, status_code: int, content: bytes, headers: dict[str, str]) -> None:
        self.status_code, self.content = status_code, content
        self.headers = {"Content-Type": headers["content-type"]}
