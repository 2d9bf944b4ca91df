"""The text of simple values: read and written as .NET does, or in the format that the service asked for."""

# ruff: noqa: DTZ001  # a moment without a zone is a value too

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal as Number
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from spyne_asmx.faults import ClientFault
from spyne_asmx.spyne import (
    Boolean,
    Byte,
    ByteArray,
    Date,
    DateTime,
    Decimal,
    Double,
    Duration,
    Enum,
    File,
    Integer,
    Integer16,
    Time,
    Unicode,
    UnsignedByte,
    UnsignedInteger,
    Uuid,
)
from spyne_asmx.types import codec_of

GUID = UUID("00112233-4455-6677-8899-aabbccddeeff")
CET = timezone(timedelta(hours=1))
Color = Enum("Red", "Green", type_name="Color")
German = DateTime(dt_format="%d.%m.%Y %H:%M")

READ = [
    (Uuid, f"{{{GUID}}}", GUID),
    (Uuid, f"({GUID})", GUID),
    (Uuid, GUID.hex, GUID),
    (Uuid, f" {str(GUID).upper()} ", GUID),
    (Decimal, "+1.", Number(1)),
    (Decimal, " .5 ", Number("0.5")),
    (Byte, "-128", -128),
    (UnsignedByte, "255", 255),
    (Integer16, "-000032768", -32768),
    (Integer, "9" * 200, int("9" * 200)),
    (Boolean, " false ", False),
    (Date, "2026-01-02", date(2026, 1, 2)),
    (Date, "2026-01-02Z", date(2026, 1, 2)),
    (Date, "2026-01-02+02:00", date(2026, 1, 2)),
    (Time, "03:04:05", time(3, 4, 5)),
    (Time, "03:04:05.1200000", time(3, 4, 5, 120000)),
    (Time, "03:04:05.0000000+01:00", time(3, 4, 5)),
    (DateTime, "2026-01-02T03:04:05.1234567", datetime(2026, 1, 2, 3, 4, 5, 123457)),
    (DateTime, "2026-01-02", datetime(2026, 1, 2)),
    (DateTime, "2026-01-02Z", datetime(2026, 1, 2, tzinfo=UTC)),
    (DateTime, "2026-01-02T03:04:05-00:30", datetime(2026, 1, 2, 3, 34, 5, tzinfo=UTC)),
    (DateTime(as_timezone=CET), "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 4, 4, 5, tzinfo=CET)),
    (DateTime(as_timezone=CET), "2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=CET)),
    (German, "2026-01-02T03:04:00", datetime(2026, 1, 2, 3, 4)),
    (Date(date_format="%d.%m.%Y"), "2026-01-02", date(2026, 1, 2)),
    (Duration, "-P1Y2M3DT4H5M6.07S", -timedelta(days=428, hours=4, minutes=5, seconds=6, microseconds=70000)),
    (ByteArray, "AQ I=\n", (b"\x01\x02",)),
    (ByteArray, "", (b"",)),
    (ByteArray(encoding="hex"), "01aB", (b"\x01\xab",)),
    (ByteArray(encoding="urlsafe_base64"), "-_8=", (b"\xfb\xff",)),
]


@pytest.mark.parametrize(("spyne_type", "text", "value"), READ)
def test_a_value_is_read(spyne_type: Any, text: str, value: Any) -> None:
    parsed = codec_of(spyne_type, "urn:x").parse(text)
    assert parsed == value
    if isinstance(value, datetime):
        assert (parsed.tzinfo is None) is (value.tzinfo is None)


REFUSED = [
    *((Uuid, text) for text in ("", "x", f"{{{GUID}", f"({GUID}}}", str(GUID)[:-1], f"urn:uuid:{GUID}")),
    *((Decimal, text) for text in ("", "1e2", "1,5", "NaN", "Infinity", "0x1", "1_0", "--1")),
    *((Byte, text) for text in ("128", "-129", "1.0", "")),
    *((Integer16, text) for text in ("1_0", "٣", "0x10", "1e1", " ", "--1")),
    *((UnsignedByte, text) for text in ("256", "-1")),
    *((Boolean, text) for text in ("True", "TRUE", "yes", "2", "")),
    *((Date, text) for text in ("2026-01-02T03:04:05", "20260102", "2026-02-30", "02.01.2026", "")),
    *((Time, text) for text in ("24:00:01", "03:04", "3:04:05", "2026-01-02T03:04:05", "03:04:05x", "")),
    *(
        (DateTime, text)
        for text in (
            "2026-01-02T24:00:00",
            "20260102",
            "2026-01-02T03:04:05junk",
            "03:04:05",
            "2026-01-02T03:04",
            "2026-01-02 03:04:05",
            "",
        )
    ),
    (German, "02.01.2026 03:04"),
    *((Duration, text) for text in ("", "P", "PT", "P1S", "1D", "P1D2H")),
    *((ByteArray, text) for text in ("AQ", "A", "!!!!", "AQI=x", "=")),
    (File, "!!!!"),
    *((ByteArray(encoding="hex"), text) for text in ("1", "xx")),
    *((Double, text) for text in ("", "inf", "Infinity", "nan", "-NaN", "+INF", "1_0", "1_0.0", "0x1p3")),
    *((Color, text) for text in ("red", "", "Blue", "__doc__")),
]


@pytest.mark.parametrize(("spyne_type", "text"), REFUSED)
def test_text_that_is_not_a_value_is_the_clients_fault(spyne_type: Any, text: str) -> None:
    with pytest.raises(ClientFault):
        codec_of(spyne_type, "urn:x").parse(text)


WRITTEN = [
    (Uuid, GUID, str(GUID)),
    (Uuid, f"{{{str(GUID).upper()}}}", str(GUID)),
    (Decimal, Number("1.50"), "1.50"),
    (Decimal, Number("1E+3"), "1000"),
    (Decimal, Number("1E-7"), "0.0000001"),
    (Decimal, Number("-0.00"), "0.00"),
    (Decimal, 0.1, "0.1"),
    (Decimal(format="%.2f"), Number("1.5"), "1.50"),
    (Double, 1e20, "1E+20"),
    (Double, 1, "1"),
    (Double, float("-inf"), "-INF"),
    (Integer16, 5.0, "5"),
    (Integer16, True, "1"),
    (Boolean, 1, "true"),
    (Date, datetime(2026, 1, 2, 3), "2026-01-02"),
    (Date(date_format="%d.%m.%Y"), date(2026, 1, 2), "2026-01-02"),
    (Time, time(3, 4, 5, 120000), "03:04:05.12"),
    (Time, time(3, 4, 5, 1001), "03:04:05.001001"),
    (Time, datetime(2026, 1, 2, 3, 4, 5), "03:04:05"),
    (DateTime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (DateTime, datetime(2026, 1, 2, 3, 4, 5, 120000), "2026-01-02T03:04:05.12"),
    (DateTime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=CET), "2026-01-02T03:04:05+01:00"),
    (DateTime, datetime(2026, 1, 2, tzinfo=timezone(timedelta(seconds=3208))), "2026-01-01T23:06:32Z"),
    (DateTime, date(2026, 1, 2), "2026-01-02T00:00:00"),
    (DateTime(timezone=False), datetime(2026, 1, 2, tzinfo=CET), "2026-01-02T00:00:00"),
    (DateTime(as_timezone=UTC), datetime(2026, 1, 2, tzinfo=CET), "2026-01-01T23:00:00Z"),
    (German, datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
    (Duration, timedelta(), "PT0S"),
    (Duration, -timedelta(days=1, microseconds=5), "-P1DT0.000005S"),
    (ByteArray, b"\x01\x02", "AQI="),
    (ByteArray, [b"\x01", b"\x02"], "AQI="),
    (ByteArray, [], ""),
    (ByteArray, iter([b"\x01", b"\x02"]), "AQI="),
    (ByteArray, (bytes([n]) for n in (1, 2)), "AQI="),
    (ByteArray, BytesIO(b"\x01\x02"), "AQI="),
    (File, (bytes([n]) for n in (1, 2)), "AQI="),
    (File, File.Value(data=b"\x01\x02"), "AQI="),
    (ByteArray(encoding="hex"), bytearray(b"\x01\xab"), "01AB"),
    (File, File.Value(data=[b"\x01", b"\x02"]), "AQI="),
    (File, File.Value(handle=BytesIO(b"\x01\x02")), "AQI="),
    (File, b"\x01\x02", "AQI="),
    (Color, "Red", "Red"),
    (Color, Color.Green, "Green"),
    (Unicode, b"text", "text"),
    (Unicode(format="<%s>"), "x", "<x>"),
]


@pytest.mark.parametrize(("spyne_type", "value", "text"), WRITTEN)
def test_a_value_is_written(spyne_type: Any, value: Any, text: str) -> None:
    assert codec_of(spyne_type, "urn:x").text(value) == text


UNFIT = [
    *((Uuid, value) for value in ("x", 5)),
    *((Decimal, value) for value in ("x", float("nan"), Number("Infinity"), None)),
    *((Integer16, value) for value in (32768, 1.5, "5", b"5", [5])),
    (UnsignedByte, -1),
    (UnsignedInteger, -1),
    *((Boolean, value) for value in ("true", 2, "")),
    *((Double, value) for value in ("1", [1])),
    *((Date, value) for value in ("2026-01-02", 5)),
    *((Time, value) for value in ("03:04:05", timedelta(1))),
    *((DateTime, value) for value in ("2026-01-02", 5)),
    *((Duration, value) for value in ("P1D", 5)),
    *((ByteArray, value) for value in ("text", 5, ["text"])),
    *((File, value) for value in ("text", File.Value())),
    *((Color, value) for value in ("Blue", 0, Color)),
    *((Unicode, value) for value in (5, ["a"], {"a": 1}, date(2026, 1, 2))),
]


@pytest.mark.parametrize(("spyne_type", "value"), UNFIT)
def test_a_value_of_another_type_is_never_written(spyne_type: Any, value: Any) -> None:
    """The endpoint turns each of these errors into a fault and logs it."""
    with pytest.raises((TypeError, ValueError, AttributeError, ArithmeticError)):
        codec_of(spyne_type, "urn:x").text(value)


@pytest.mark.parametrize(
    ("spyne_type", "text", "value"),
    [
        (Time, "03:04", time(3, 4)),
        (Time, "03:04:05.5", time(3, 4, 5, 500000)),
        (DateTime, "2026-01-02T03:04", datetime(2026, 1, 2, 3, 4)),
        (DateTime, "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        (DateTime, "2026-01-02T03:04Z", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
        (DateTime, "2026-01-02", datetime(2026, 1, 2)),
        (German, "2026-01-02T03:04:00", datetime(2026, 1, 2, 3, 4)),
        (Boolean, "TRUE", True),
    ],
)
def test_a_form_may_spell_values_in_more_ways(spyne_type: Any, text: str, value: Any) -> None:
    """They are those of .NET's own conversions and of browsers' fields."""
    assert codec_of(spyne_type, "urn:x").of_fields([text]) == value


def test_a_file_with_a_path_is_read_from_there(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\x01\x02")
    assert codec_of(File, "urn:x").text(File.Value(path=str(tmp_path / "f"))) == "AQI="


def test_a_file_is_given_to_the_service_as_spynes_value() -> None:
    value = codec_of(File, "urn:x").parse("AQI=")
    assert isinstance(value, File.Value)
    assert value.data == [b"\x01\x02"]
