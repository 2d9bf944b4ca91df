"""/healthz and /readyz: what load balancers ask, beside the contract."""

from collections.abc import Callable

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.health import Health
from asmx_tickets.hosting.site import Site
from spyne_asmx.http import HeaderMap, Request
from tests.conftest import Service

Make = Callable[..., Service]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_service_with_its_stores_is_well(service: Service, path: str) -> None:
    response = service.http.get(path)
    assert (response.status_code, response.text) == (200, "ok")
    assert response.headers["cache-control"] == "private, max-age=0, no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_ask_by_address(make_service: Make, path: str) -> None:
    """A probe knows neither AllowedHosts nor PathBase."""
    service = make_service(AllowedHosts="docs.example.com", PathBase="/InfoRouter")
    assert service.http.get(path, headers={"Host": "10.0.0.7:8080"}).status_code == 200


def test_only_get_is_answered(service: Service) -> None:
    response = service.http.post("/healthz")
    assert (response.status_code, response.headers["allow"]) == (405, "GET")


def test_the_silent_store_is_named(service: Service) -> None:
    """With 503, and without what the store's driver says."""

    def silent() -> None:
        raise Unavailable("driver says: 10.9.8.7 refused")

    site = Site(service.composition.site.endpoint, health=Health({"users": lambda: None, "tickets": silent}))
    response = site.handle(Request("GET", "/readyz", "", HeaderMap(), b""))
    assert (response.status, response.body) == (503, b"Not ready: tickets.")
    assert ("retry-after", "1") in response.headers
    assert site.handle(Request("GET", "/healthz", "", HeaderMap(), b"")).status == 200
