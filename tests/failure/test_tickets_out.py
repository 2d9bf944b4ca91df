"""Redis is out: every call is answered in time, not as a dead ticket, and recovery needs no help (SECURITY R1, R2)."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tests.support.deployment import (
    LONGEST_ANSWER,
    PASSWORD,
    RECOVERY,
    TRUSTED,
    UNAVAILABLE,
    Client,
    Deployment,
    under_load,
)
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.server import Server

Deploy = Callable[..., Deployment]
ClientOf = Callable[[Server], Client]


@pytest.fixture
def own_redis(either_redis: RedisServer) -> RedisServer:
    return either_redis


@pytest.fixture
def server(deploy: Deploy, own_redis: RedisServer) -> Server:
    return deploy(ConnectionStrings__Tickets=own_redis.url).serve()


@contextmanager
def hung(redis: RedisServer) -> Iterator[None]:
    redis.pause()
    yield
    redis.go_on()


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    """Stop it, and start it again empty."""
    redis.stop()
    yield
    redis.start()


@contextmanager
def stalled(redis: RedisServer) -> Iterator[None]:
    """It takes commands, but answers none of them for 2.5 s."""
    with redis.client() as admin:
        admin.execute_command("CLIENT", "PAUSE", "2500", "ALL")
    yield


OUTAGES = {"hung": hung, "stopped": stopped, "stalled": stalled}


@pytest.mark.parametrize("outage", OUTAGES)
def test_calls_are_answered_in_time_and_never_wrongly(
    server: Server, own_redis: RedisServer, client_of: ClientOf, outage: str
) -> None:
    """Within 1.5 s, with neither [901] nor [900] nor a guess. Recovery takes at most 2 s."""
    client = client_of(server)
    ticket = client.log_in()
    with under_load(server, lambda each: each.is_valid(ticket)) as answers:
        wait_until(lambda: len(answers) > 20, 10)
        with OUTAGES[outage](own_redis):
            began = time.monotonic()
            time.sleep(2.5)
            back = time.monotonic()
        if outage == "stopped":
            wait_until(lambda: answers[-1].kind == "[901]", RECOVERY)  # gone with Redis' memory
        else:
            wait_until(lambda: answers[-1].kind == "ok", RECOVERY)
    during = [answer for answer in answers if began + 0.1 < answer.at - answer.seconds and answer.at < back]
    assert Counter(answer.kind for answer in during) == {"unavailable": len(during)}
    assert during
    assert max(answer.seconds for answer in answers) < LONGEST_ANSWER
    assert {answer.kind for answer in answers if answer.at < back} == {"ok", "unavailable"}


def test_every_operation_answers_as_its_binding_does(
    server: Server, own_redis: RedisServer, client_of: ClientOf
) -> None:
    """Forms: 503, text/plain, one sentence, Retry-After. SOAP: 500, a Server fault, one sentence (CONTRACT 2.4)."""
    client = client_of(server)
    ticket = client.log_in()
    calls = {
        "isValidTicket": {"AuthenticationTicket": ticket},
        "GetCurrentUser": {"authenticationTicket": ticket},
        "LogOut": {"AuthenticationTicket": ticket},
        "AuthenticateUser": {"UID": "alice", "PWD": PASSWORD},
        "AuthenticateUser1": {"UID": "alice", "PWD": PASSWORD, "Lang": "de"},
        "RenewTicket": {"UID": "alice", "PWD": PASSWORD, "OldTicket": ticket},
        "CreateTicketforUser": {"TrustedUserPwd": TRUSTED, "UserName": "alice"},
    }
    with hung(own_redis):
        for operation, parameters in calls.items():
            form, soap = client.form(operation, **parameters), client.soap(operation, **parameters)
            assert (form.status, form.text) == (503, UNAVAILABLE), operation
            assert form.headers["content-type"] == "text/plain; charset=utf-8"
            assert int(form.headers["retry-after"]) >= 1
            assert soap.status == 500
            assert "<faultcode>soap:Server</faultcode>" in soap.text
            assert f"Server was unable to process request. ---&gt; {UNAVAILABLE}" in soap.text
            assert max(form.seconds, soap.seconds) < LONGEST_ANSWER, operation
        assert client.form("ServerInfo").kind == "ok"
        assert client.get("/healthz").status == 200
        ready = client.get("/readyz")
        assert (ready.status, ready.text) == (503, "Not ready: tickets.")
    wait_until(lambda: client.get("/readyz").status == 200, RECOVERY)
    wait_until(lambda: client.is_valid(ticket).kind == "ok", RECOVERY)


def test_a_wrong_password_is_900_again_after_the_outage(
    server: Server, own_redis: RedisServer, client_of: ClientOf
) -> None:
    """Logins that could not be served do not count: they do not lock out the right password."""
    client = client_of(server)
    with hung(own_redis):
        for _ in range(8):
            assert client.form("AuthenticateUser", UID="alice", PWD="wrong").kind == "unavailable"
    wait_until(lambda: client.form("AuthenticateUser", UID="alice", PWD="wrong").kind == "[900]", RECOVERY)
    assert client.log_in()


def _is_logged_out(client: Client, ticket: str) -> bool:
    return client.form("LogOut", AuthenticationTicket=ticket).kind in {"ok", "[901]"}


def test_log_out_never_claims_success_in_vain(server: Server, own_redis: RedisServer, client_of: ClientOf) -> None:
    """During the outage it is unavailable. After it, the ticket is dead once LogOut has said so."""
    client = client_of(server)
    for _ in range(5):
        ticket = client.log_in()
        with hung(own_redis):
            assert client.form("LogOut", AuthenticationTicket=ticket).kind == "unavailable"
        wait_until(partial(_is_logged_out, client, ticket), RECOVERY)
        assert client.is_valid(ticket).kind == "[901]"


def test_a_slow_redis_is_slow_and_right(server: Server, own_redis: RedisServer, client_of: ClientOf) -> None:
    """A tenth of a second for each command makes calls slower, and none of them wrong."""
    client = client_of(server)
    ticket = client.log_in()
    with own_redis.client() as admin, under_load(server, lambda each: each.is_valid(ticket)) as answers:
        for _ in range(10):
            admin.execute_command("CLIENT", "PAUSE", "100", "ALL")
    assert Counter(answer.kind for answer in answers) == {"ok": len(answers)}
    assert max(answer.seconds for answer in answers) > 0.05


def test_an_emptied_redis_means_new_logins(server: Server, own_redis: RedisServer, client_of: ClientOf) -> None:
    """Lost tickets are [901], and the next login works at once (SECURITY R2)."""
    client = client_of(server)
    ticket = client.log_in()
    with own_redis.client() as admin:
        admin.flushall()
    assert client.is_valid(ticket).kind == "[901]"
    assert client.is_valid(client.log_in()).kind == "ok"
