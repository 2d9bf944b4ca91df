"""SECURITY L8: each record is one line, whatever is in it."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from asmx_tickets.audit import Caller, Event, Record, written
from tests.audit.records import LOGIN, NOW


def test_a_line_says_when_what_who_from_where_and_how() -> None:
    assert json.loads(written(LOGIN, NOW)) == {
        "time": "2026-02-18T14:35:00.250Z",
        "event": "login",
        "user": "jsmith",
        "user_id": 42,
        "ticket": "0a1b2c3d",
        "address": "192.0.2.7",
        "binding": "SOAP 1.1",
        "request": "1f-2",
    }


@given(user=st.text(), reason=st.text(), address=st.text(max_size=100))
@example(user='\x7f\r\n\u2028\ud800"}', reason="", address="")
def test_a_record_is_one_line_whatever_clients_send(user: str, reason: str, address: str) -> None:
    """SECURITY L8: a name with line ends and quotes forges no second record."""
    record = Record(Event.LOGIN_REFUSED, Caller(address, "HTTP GET"), user=user, reason=reason)
    line = written(record, NOW)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    assert json.loads(line).get("user", "") == user[:64]
    assert len(line) <= 4096


def test_a_line_that_stands_for_several_says_for_how_many() -> None:
    assert json.loads(written(LOGIN._replace(times=512), NOW))["count"] == 512
