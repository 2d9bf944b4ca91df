"""/healthz and /readyz, which load balancers ask for; they are not part of the contract."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.health import Health
from asmx_tickets.hosting.site import Site
from asmx_tickets.presence import Presence
from asmx_tickets.waiting import Hub, lane_sizes
from spyne_asmx.http import HeaderMap, Request, Response
from tests.support.service import Clock, Service

Make = Callable[..., Service]


@pytest.fixture(scope="module")
def service(shared_service: Make) -> Service:
    return shared_service()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_service_whose_stores_answer_is_ready(service: Service, path: str) -> None:
    response = service.http.get(path)
    assert (response.status_code, response.text) == (200, "ok")
    assert response.headers["cache-control"] == "private, max-age=0, no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_host_and_no_path_base(shared_service: Make, path: str) -> None:
    """A probe asks by address, and knows neither AllowedHosts nor PathBase."""
    service = shared_service(AllowedHosts="docs.example.com", PathBase="/InfoRouter")
    assert service.http.get(path, headers={"Host": "10.0.0.7:8080"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_get_and_head_are_answered(service: Service, path: str) -> None:
    """Many monitors ask by HEAD, which every server must support (RFC 9110 section 9.1)."""
    assert service.http.head(path).status_code == 200
    response = service.http.post(path)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_store_that_does_not_answer_is_named(service: Service) -> None:
    """With 503, and without the text of the store's driver."""

    def silent() -> None:
        raise Unavailable("driver says: 10.9.8.7 refused")

    site = Site(service.composition.site.endpoint, health=Health({"users": lambda: None, "tickets": silent}))
    response = site.handle(Request("GET", "/readyz", "", HeaderMap(), b""))
    assert (response.status, response.body) == (503, b"Not ready: tickets.")
    assert ("retry-after", "1") in response.headers
    assert site.handle(Request("GET", "/healthz", "", HeaderMap(), b"")).status == 200


class Stores:
    """Two stores, of which one may be out or hang, and the number of times they were asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.out = False
        self.free = threading.Event()
        self.free.set()

    def users(self) -> None:
        self.asked += 1

    def audit(self) -> None:
        assert self.free.wait(20)
        if self.out:
            raise Unavailable("full")


@pytest.fixture
def stores() -> Iterator[Stores]:
    made = Stores()
    yield made
    made.free.set()


def bodies(health: Health, times: int) -> list[bytes]:
    """The answers to so many probes at the same time, run as the server runs them."""

    async def probe() -> list[bytes]:
        loop = asyncio.get_running_loop()
        hub = Hub(loop, lane_sizes(1))
        answers: list[asyncio.Future[Response]] = [loop.create_future() for _ in range(times)]
        for answer in answers:
            hub.run(health.ready, answer.set_result)
        told = await asyncio.gather(*answers)
        hub.close()
        return [response.body for response in told]

    return asyncio.run(probe())


def test_stores_are_asked_once_a_second_however_many_probes_there_are(stores: Stores, clock: Clock) -> None:
    """From the first probe on, and no probe is refused because there are too many."""
    health = Health({"users": stores.users, "audit": stores.audit}, clock)
    for second in range(1, 4):
        assert bodies(health, 100) == [b"ok"] * 100
        assert bodies(health, 5) == [b"ok"] * 5
        assert stores.asked == second
        clock.advance(1)
    stores.out = True
    assert bodies(health, 1) == [b"Not ready: audit."]


def test_a_store_that_hangs_is_not_ready(stores: Stores, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is gone may never answer: the last answer that it gave does not count for ever."""
    health = Health({"users": stores.users, "audit": stores.audit}, clock)
    assert bodies(health, 1) == [b"ok"]
    monkeypatch.setattr("asmx_tickets.hosting.health.LONGEST_SECONDS", 0.05)
    stores.free.clear()
    clock.advance(1)
    assert bodies(health, 1) == [b"Not ready: audit."]
    stores.free.set()
    clock.advance(1)
    assert bodies(health, 1) == [b"ok"]


def test_a_store_that_is_not_ready_is_logged_once_and_not_with_each_probe(
    stores: Stores, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins and one when it is over. A store that hangs is logged too."""
    health = Health({"users": stores.users, "audit": stores.audit}, clock)
    stores.out = True
    for _ in range(3):
        assert bodies(health, 2) == [b"Not ready: audit."] * 2
        clock.advance(1)
    stores.out = False
    bodies(health, 1)
    clock.advance(1)
    monkeypatch.setattr("asmx_tickets.hosting.health.LONGEST_SECONDS", 0.05)
    stores.free.clear()
    bodies(health, 1)
    assert caplog.messages == [
        "not ready, audit: full",
        "ready again: audit",
        "not ready, audit: no answer in 0.05 s",
    ]


def test_a_probe_for_which_there_is_no_thread_is_not_ready(
    stores: Stores, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def scarce(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    health = Health({"users": stores.users}, clock)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", scarce)
        for _ in range(3):
            assert bodies(health, 1)[0].startswith(b"Not ready: no thread can be started")
            clock.advance(1)
    assert bodies(health, 1) == [b"ok"]
    begun, ended = caplog.messages
    assert begun.startswith("not ready, probes: no thread can be started")
    assert ended == "ready again: probes"


def test_a_probe_does_not_log_again_what_a_store_has_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    presence = Presence("the audit log")

    def silent() -> None:
        raise Unavailable("full")

    site = Site(service.composition.site.endpoint, health=Health({"audit": lambda: presence.ask(silent)}))
    assert site.handle(Request("GET", "/readyz", "", HeaderMap(), b"")).status == 503
    assert caplog.messages == ["the audit log is gone: full"]
