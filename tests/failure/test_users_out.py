"""The users' database is out: logins say so, live tickets go on, and recovery needs no help (SECURITY R3, R4)."""

import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import make_url

from tests.support.deployment import LONGEST_ANSWER, PASSWORD, RECOVERY, Client, Deployment, under_load
from tests.support.postgresql import PostgresServer
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.server import Server

Deploy = Callable[..., Deployment]
ClientOf = Callable[[Server], Client]


@contextmanager
def hung(database: PostgresServer) -> Iterator[None]:
    database.pause()
    yield
    database.go_on()


@contextmanager
def stopped(database: PostgresServer) -> Iterator[None]:
    database.kill()
    yield
    database.start()


@pytest.mark.parametrize("tickets", ["memory", "redis"])
def test_live_tickets_go_on_while_postgresql_is_out(
    deploy: Deploy, own_postgres: PostgresServer, shared_redis: RedisServer, client_of: ClientOf, tickets: str
) -> None:
    """Hung, then killed: logins are unavailable in time, and work again within 2 s of its return."""
    stores = {"ConnectionStrings__Users": own_postgres.new_database()}
    if tickets == "redis":
        stores["ConnectionStrings__Tickets"] = shared_redis.url
    server = deploy(**stores).serve()
    client, other = client_of(server), client_of(server)
    ticket = client.log_in()
    assert client.is_valid(ticket).kind == "ok"  # From now on the server knows whose it is.
    for outage in (hung, stopped):
        with under_load(server, lambda each: each.is_valid(ticket), clients=2) as answers:
            with outage(own_postgres):
                for _ in range(3):
                    login = other.form("AuthenticateUser", UID="alice", PWD=PASSWORD)
                    assert (login.kind, login.seconds < LONGEST_ANSWER) == ("unavailable", True), login
                ready = other.get("/readyz")
                assert (ready.status, ready.text) == (503, "Not ready: users.")
            wait_until(
                lambda: other.form("AuthenticateUser", UID="alice", PWD=PASSWORD).kind == "ok",
                RECOVERY if outage is hung else 2 * RECOVERY,  # with PostgreSQL's own recovery
            )
        assert Counter(answer.kind for answer in answers) == {"ok": len(answers)}
        assert max(answer.seconds for answer in answers) < LONGEST_ANSWER


@pytest.mark.slow
def test_a_database_that_takes_no_connections_is_reported_in_time(
    deploy: Deploy, shared_postgres: PostgresServer, client_of: ClientOf
) -> None:
    """So it is when it has too many clients. Logins are unavailable, and soon work again."""
    url = shared_postgres.new_database()
    client = client_of(deploy(ConnectionStrings__Users=url).serve())
    client.log_in()
    name = make_url(url).database
    shared_postgres.run(
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    login = client.form("AuthenticateUser", UID="alice", PWD=PASSWORD)
    assert (login.kind, login.seconds < LONGEST_ANSWER) == ("unavailable", True)
    shared_postgres.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    wait_until(lambda: client.form("AuthenticateUser", UID="alice", PWD=PASSWORD).kind == "ok", RECOVERY)


def test_a_locked_sqlite_file_stops_no_call(deploy: Deploy, client_of: ClientOf) -> None:
    """Another program writes to it for long: a login is answered while it does, and tickets are checked as usual."""
    deployment = deploy()
    server = deployment.serve()
    client = client_of(server)
    ticket = client.log_in()
    with closing(sqlite3.connect(deployment.folder / "App_Data" / "users.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with under_load(server, lambda each: each.is_valid(ticket), clients=2) as answers:
            login = client.form("AuthenticateUser", UID="alice", PWD=PASSWORD)
        other.execute("ROLLBACK")
    assert login.kind == "ok"
    assert answers
    assert Counter(answer.kind for answer in answers) == {"ok": len(answers)}


def test_a_full_disk_makes_no_tickets_and_ends_none(deploy: Deploy, client_of: ClientOf) -> None:
    """SECURITY R4: a login that can't be audited fails until there is room again. Checks and logouts go on."""
    deployment = deploy()
    server = deployment.serve()
    client = client_of(server)
    ticket, other = client.log_in(), client.log_in()
    worker = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True)
    pid = worker.stdout.split()[0]
    subprocess.run(["prlimit", "--pid", pid, "--fsize=1:unlimited"], check=True)
    assert client.form("AuthenticateUser", UID="alice", PWD=PASSWORD).kind == "unavailable"
    assert client.is_valid(ticket).kind == "ok"
    assert client.form("LogOut", AuthenticationTicket=other).kind == "ok"
    assert client.is_valid(other).kind == "[901]"
    assert client.form("AuthenticateUser", UID="alice", PWD="wrong").kind == "[900]"
    subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"], check=True)
    assert client.log_in()
