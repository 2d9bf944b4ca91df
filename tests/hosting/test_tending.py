"""What the composed service does once a second."""

import asyncio
import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from asmx_tickets.access.refusals import GenerationNotAllowed
from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.hosting.worker import one_at_a_time
from asmx_tickets.settings.model import load_settings
from asmx_tickets.users.user import Profile
from asmx_tickets.waiting import Hub, Lane, in_thread, lane_sizes
from spyne_asmx.http import HeaderMap, Request
from tests.support.service import HASHER, Clock


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder with users and audit log."""
    return tmp_path / "App_Data"


@pytest.fixture
def service(kept: Path, clock: Clock) -> Iterator[Composition]:
    file = kept.with_name("appsettings.json")
    file.write_text("{}")
    made = compose(load_settings(file, environ={}), clock=clock, steady_clock=clock, passwords=HASHER)
    yield made
    made.close()


def test_counts_of_refusals_are_written_when_their_minute_is_over(
    service: Composition, kept: Path, clock: Clock
) -> None:
    """SECURITY D22: the first refusal at once, and the others of its minute as one line."""

    def refuse(times: int) -> None:
        for _ in range(times):
            with pytest.raises(GenerationNotAllowed):
                service.authentication.create_for_user("wrong", "sysadmin")

    def counts() -> list[int]:
        service.tend()
        return [json.loads(line).get("count", 1) for line in (kept / "audit-refused.jsonl").read_text().splitlines()]

    refuse(3)
    assert counts() == [1]
    clock.advance(60)
    assert counts() == [1, 2]
    refuse(2)
    assert counts() == [1, 2, 1]


def test_a_users_file_that_was_replaced_is_opened_anew(service: Composition, kept: Path) -> None:
    """Without waiting for a call."""
    service.directory.add(Profile("alice"), "h")
    with closing(sqlite3.connect(kept / "users.db")) as source, closing(sqlite3.connect(kept / "b.db")) as copy:
        source.backup(copy)
    (kept / "b.db").rename(kept / "users.db")
    assert service.directory.version() == -1
    service.tend()
    assert service.directory.version() != -1


def test_a_store_that_is_back_is_found_without_a_call(
    service: Composition, kept: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Say at night: only probes ask, and the log says once that the store is gone and once that it is back."""
    away = kept.with_name("away")
    kept.rename(away)
    for _ in range(3):
        assert service.site.handle(Request("GET", "/readyz", "", HeaderMap(), b"")).status == 503
        service.tend()
        clock.advance(2)
    away.rename(kept)
    service.tend()
    service.tend()
    assert [message.partition(":")[0] for message in caplog.messages if "is another file" not in message] == [
        "the users' database is gone",
        "the audit log is gone",
        "the users' database is back after 0 s",
        "the audit log is back after 0 s",
    ]


def test_calls_that_a_store_does_not_answer_are_two_lines(
    service: Composition, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins, and one when it is over."""

    def full(*_: object) -> None:
        raise Unavailable("Redis is full")

    monkeypatch.setattr(service.tickets, "look", full)
    form = urlencode({"AuthenticationTicket": str(uuid4())})
    for _ in range(20):
        assert service.site.handle(Request("GET", "/srv.asmx/isValidTicket", form, HeaderMap(), b"")).status == 503
        service.tend()
    clock.advance(60)
    service.tend()
    first, last = caplog.messages
    assert first.startswith("calls are not answered, first request ")
    assert last == "over: calls are not answered, 20 in 0 s: Redis is full"


def test_work_that_fails_is_done_again_and_work_under_way_is_not(logged: list[logging.LogRecord]) -> None:
    """Once a second it is due, whatever became of the last time."""
    times, go_on = [], threading.Event()

    def work() -> None:
        times.append(len(times))
        if len(times) == 1:
            raise ValueError("a bug")
        in_thread(Lane.HEALTH, partial(go_on.wait, 10))

    async def second_by_second() -> None:
        hub = Hub(asyncio.get_running_loop(), lane_sizes(1))
        chore = one_at_a_time(hub, work)
        for _ in range(4):
            chore()
        assert times == [0, 1]
        go_on.set()
        while hub.running:
            await asyncio.sleep(0.01)
        chore()
        assert times == [0, 1, 2]
        while hub.running:
            await asyncio.sleep(0.01)
        hub.close()

    asyncio.run(second_by_second())
    assert [record.getMessage() for record in logged] == ["the regular work failed"]
