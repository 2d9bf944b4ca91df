"""Writes the answers of one operation as envelopes. Their constant parts are prepared when the endpoint is built."""

from itertools import zip_longest
from typing import Any

from spyne_asmx.headers import SoapHeaders
from spyne_asmx.messages import Message
from spyne_asmx.soap import CLOSING, VERSIONS, SoapVersion
from spyne_asmx.xmlvalues import as_element
from spyne_asmx.xmlwriter import escape_attribute, write


class AnswerWriter:
    """Writes the results and the out headers of an operation."""

    def __init__(self, message: Message, headers: SoapHeaders) -> None:
        self._message = message
        self._headers = headers
        self._namespace = "" if message.is_bare else message.namespace
        # How deep a result is nested: in the Envelope, its Body and usually the operation's element.
        self._depth = 3 if message.is_bare else 4
        self._frames = {version: self._frame(version) for version in VERSIONS}
        is_xml = [part.codec.is_xml and not part.repeats for part in message.parts] == [True]
        self._xml_part = message.parts[0] if is_xml else None

    def envelope(self, results: list[Any], version: SoapVersion, header: Any = None) -> bytes:
        """The envelope of a call's results. ``header`` is what the service gave as its ``out_header``."""
        if self._xml_part is not None and results[0] is not None:
            before, after = self._frames[version]
            text = f"{before}{write(as_element(results[0]), self._xml_part.namespace, depth=self._depth + 1)}{after}"
        else:
            text = f"{version.opening}{self._wrapped(self._written(results))}{CLOSING}"
        if header is not None and self._headers:
            text = text.replace("<soap:Body>", f"{self._headers.written(header)}<soap:Body>", 1)
        return text.encode()

    def _written(self, results: list[Any]) -> str:
        parts = self._message.parts
        if len(results) > len(parts) and parts:
            raise TypeError(f"{len(results)} results are given where {len(parts)} are declared")
        return "".join(
            write(element, self._namespace, depth=self._depth)
            for part, value in zip_longest(parts, results[: len(parts)])
            for element in part.written(value)
        )

    def _frame(self, version: SoapVersion) -> tuple[str, str]:
        """What comes before and after the content of the only result."""
        if len(self._message.parts) != 1:
            return "", ""
        part = self._message.parts[0]
        declared = "" if part.namespace == self._namespace else f' xmlns="{escape_attribute(part.namespace)}"'
        before, after = self._wrapped(f"<{part.name}{declared}>\0</{part.name}>").split("\0")
        return version.opening + before, after + CLOSING

    def _wrapped(self, content: str) -> str:
        if self._message.is_bare:
            return content
        opening = f'<{self._message.name} xmlns="{escape_attribute(self._message.namespace)}"'
        return f"{opening}>{content}</{self._message.name}>" if content else f"{opening} />"
