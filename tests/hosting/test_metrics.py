"""How calls are counted by their outcome."""

from collections.abc import Iterator
from datetime import UTC

import pytest
from prometheus_client.parser import text_string_to_metric_families

from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.composition import compose
from asmx_tickets.hosting.metrics import Metrics
from asmx_tickets.settings.model import Settings
from spyne_asmx import HeaderMap, Request
from tests.support.service import HASHER, Clock, Service


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def service(metrics: Metrics, clock: Clock) -> Iterator[Service]:
    """The demo's service with metrics."""
    composition = compose(
        Settings(), demo=True, clock=clock, local_zone=UTC, passwords=HASHER, steady_clock=clock, metrics=metrics
    )
    yield Service(composition, clock)
    composition.close()


def outcomes(metrics: Metrics) -> dict[str, float]:
    """The number of calls of isValidTicket by outcome."""
    families = text_string_to_metric_families(metrics.text().decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        sample.labels["outcome"]: sample.value
        for sample in samples
        if sample.name == "asmx_tickets_call_seconds_count" and sample.labels["operation"] == "isValidTicket"
    }


def test_each_call_is_counted_under_one_outcome(
    service: Service, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is out differs from a bug, and both from a normal answer that refuses."""
    ticket = service.log_in()
    assert service.is_valid(ticket)
    assert not service.is_valid("none")
    for error in (Unavailable("Redis is gone"), Unavailable("Redis is gone"), RuntimeError("a bug")):

        def fail(_: bytes, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(service.composition.tickets, "look", fail)
        service.soap("isValidTicket", AuthenticationTicket=ticket)
    assert outcomes(metrics) == {"ok": 1, "refused": 1, "unavailable": 2, "fault": 1}


def test_a_call_that_is_not_run_counts_as_unavailable(service: Service, metrics: Metrics) -> None:
    """Calls are not run when too many are waiting."""
    site = service.composition.site
    call = site.begin(Request("GET", "/srv.asmx/isValidTicket", "AuthenticationTicket=x", HeaderMap()))
    site.unavailable(call)  # type: ignore[arg-type]  # it is a call
    assert outcomes(metrics) == {"unavailable": 1}


def test_a_reload_goes_on_counting(service: Service, metrics: Metrics) -> None:
    ticket = service.log_in()
    assert service.is_valid(ticket)
    changed = service.composition.with_settings(service.composition.settings)
    assert Service(changed, service.clock).is_valid(ticket)
    assert outcomes(metrics) == {"ok": 2}
