"""Binary data as text: spyne's ByteArray and File, in base64 or the type's own encoding."""

import binascii
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spyne import File
from spyne.model.binary import BINARY_ENCODING_HEX, BINARY_ENCODING_URLSAFE_BASE64


def bytes_reader(spyne_type: Any) -> Callable[[str], Any]:
    """spyne's ByteArray is a sequence of pieces."""
    decode = _decoder(spyne_type)
    return lambda text: (decode(re.sub(r"\s", "", text).encode()),)


def file_reader(spyne_type: Any) -> Callable[[str], Any]:
    decode = _decoder(spyne_type)
    return lambda text: File.Value(data=[decode(re.sub(r"\s", "", text).encode())])


def _decoder(spyne_type: Any) -> Callable[[bytes], bytes]:
    encoding = spyne_type.Attributes.encoding
    if encoding is BINARY_ENCODING_HEX:
        return binascii.unhexlify
    if encoding is BINARY_ENCODING_URLSAFE_BASE64:
        return urlsafe_b64decode
    return lambda text: b64decode(text, validate=True)


def _encoder(spyne_type: Any) -> Callable[[bytes], bytes]:
    encoding = spyne_type.Attributes.encoding
    if encoding is BINARY_ENCODING_HEX:
        return lambda data: binascii.hexlify(data).upper()
    return urlsafe_b64encode if encoding is BINARY_ENCODING_URLSAFE_BASE64 else b64encode


def bytes_writer(spyne_type: Any) -> Callable[[Any], str]:
    encode = _encoder(spyne_type)
    return lambda value: encode(_joined(value)).decode("ascii")


def file_writer(spyne_type: Any) -> Callable[[Any], str]:
    encode = _encoder(spyne_type)
    return lambda value: encode(_file_content(value)).decode("ascii")


def _joined(value: Any) -> bytes:
    """The bytes of a ByteArray, given whole or as pieces: a sequence, a generator, an open file."""
    if isinstance(value, str):
        raise TypeError("binary data must be bytes, not text")
    try:
        whole = memoryview(value)
    except TypeError:
        return b"".join(value)
    return bytes(whole)


def _file_content(value: Any) -> bytes:
    if not isinstance(value, File.Value):
        return _joined(value)
    if value.data is not None:
        return _joined(value.data)
    if value.handle is not None:
        value.handle.seek(0)
        return bytes(value.handle.read())
    if value.abspath is None:
        raise ValueError("the file has neither data nor a handle nor a path")
    return Path(value.abspath).read_bytes()
