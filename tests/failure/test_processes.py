"""Servers are killed at random moments: what they answered stays true, and the others go on (SECURITY R7, R8)."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.deployment import PASSWORD, TRUSTED, Answer, Client, Deployment, under_load
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.server import Server

pytestmark = pytest.mark.slow

Deploy = Callable[..., Deployment]
ClientOf = Callable[[Server], Client]


def workers_of(server: Server) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def _good_since(answers: list[Answer], moment: float) -> bool:
    return any(answer.kind == "ok" and answer.at > moment for answer in answers[-20:])


def test_a_server_is_killed_and_the_other_goes_on(
    deploy: Deploy, shared_redis: RedisServer, client_of: ClientOf, tmp_path: Path
) -> None:
    """Two servers share a Redis: tickets of the dead one are valid at the other, where no call fails."""
    deployment = deploy(ConnectionStrings__Tickets=shared_redis.url, Tickets__KeyPrefix=f"{tmp_path.name}:")
    first, second = deployment.serve(), deployment.serve()
    ticket = client_of(first).log_in()
    with under_load(second, lambda each: each.is_valid(ticket), clients=2) as answers:
        wait_until(lambda: len(answers) > 20, 10)
        first.process.kill()
        first.process.wait()
        seen = len(answers)
        wait_until(lambda: len(answers) > seen + 200, 10)
    assert Counter(answer.kind for answer in answers) == {"ok": len(answers)}
    assert client_of(second).form("LogOut", AuthenticationTicket=ticket).kind == "ok"


def test_log_out_is_final_on_every_node(
    deploy: Deploy, shared_redis: RedisServer, client_of: ClientOf, tmp_path: Path
) -> None:
    """SECURITY T7: the very next call at the other node gets [901], even if a renewal races the logout."""
    deployment = deploy(ConnectionStrings__Tickets=shared_redis.url, Tickets__KeyPrefix=f"{tmp_path.name}:")
    here, there = client_of(deployment.serve()), client_of(deployment.serve())
    for _ in range(100):
        made = here.form("CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="alice")
        ticket = made.text.partition('ticket="')[2][:36]
        racing = threading.Thread(target=there.form, args=("GetCurrentUser",), kwargs={"authenticationTicket": ticket})
        racing.start()
        assert here.form("LogOut", AuthenticationTicket=ticket).kind == "ok"
        racing.join()
        assert there.is_valid(ticket).kind == here.is_valid(ticket).kind == "[901]"


def test_kill_9_at_random_moments_under_load(
    deploy: Deploy, shared_redis: RedisServer, client_of: ClientOf, tmp_path: Path
) -> None:
    """Workers are replaced each time. Tickets that were given out stay valid, and those logged out stay dead."""
    deployment = deploy(
        ConnectionStrings__Tickets=shared_redis.url, Tickets__KeyPrefix=f"{tmp_path.name}:", Workers="2"
    )
    server = deployment.serve()
    alive, dead = [client_of(server).log_in()], []

    def live(client: Client) -> Answer:
        made = client.form("CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="alice")
        if made.kind != "ok":
            return made
        ticket = made.text.partition('ticket="')[2][:36]
        if client.form("LogOut", AuthenticationTicket=ticket).kind == "ok":
            dead.append(ticket)
        alive.append(client.form("CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="alice").text)
        return made

    chance = random.Random(7)
    with under_load(server, live, clients=3) as answers:
        for _ in range(6):
            time.sleep(chance.uniform(0.1, 0.6))
            for pid in chance.sample(workers_of(server), 1):
                os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            wait_until(partial(_good_since, answers, killed), 5)
    assert {answer.kind for answer in answers} <= {"ok", "broken"}
    client = client_of(server)
    made = [text.partition('ticket="')[2][:36] for text in alive[1:] if 'ticket="' in text]
    assert len(made) > 20
    assert len(dead) > 20
    assert {client.is_valid(ticket).kind for ticket in [alive[0], *made]} == {"ok"}
    assert {client.is_valid(ticket).kind for ticket in dead} == {"[901]"}
    assert server.stop() == 0


def test_a_restart_logs_no_user_out(deploy: Deploy, client_of: ClientOf) -> None:
    """Tickets:PersistTo: tickets that are alive when the server stops are alive in the next one, and no others."""
    deployment = deploy(Tickets__PersistTo="App_Data/tickets.bin")
    server = deployment.serve()
    client = client_of(server)
    ticket, gone = client.log_in(), client.log_in()
    assert client.form("LogOut", AuthenticationTicket=gone).kind == "ok"
    assert server.stop() == 0
    file = deployment.folder / "App_Data" / "tickets.bin"
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert bytes.fromhex(ticket.replace("-", "")) not in content
    assert ticket.encode() not in content
    again = client_of(deployment.serve())
    assert again.is_valid(ticket).kind == "ok"
    assert again.is_valid(gone).kind == "[901]"


def test_a_damaged_ticket_file_is_set_aside(deploy: Deploy, client_of: ClientOf, tmp_path: Path) -> None:
    """With a warning that names it. The server starts without tickets."""
    deployment = deploy(Tickets__PersistTo="tickets.bin")
    server = deployment.serve()
    ticket = client_of(server).log_in()
    assert server.stop() == 0
    file = deployment.folder / "tickets.bin"
    file.write_bytes(file.read_bytes()[:-1])
    server = deployment.serve()
    assert client_of(server).is_valid(ticket).kind == "[901]"
    assert "tickets.bin" in (tmp_path / f"stderr-{server.port}.txt").read_text()


def test_servers_share_their_counts_of_failures(
    deploy: Deploy, shared_redis: RedisServer, client_of: ClientOf, tmp_path: Path
) -> None:
    """SECURITY B3: guesses at two servers count together."""
    deployment = deploy(ConnectionStrings__Tickets=shared_redis.url, Tickets__KeyPrefix=f"{tmp_path.name}:")
    here, there = client_of(deployment.serve()), client_of(deployment.serve())
    for client in (here, there, here, there, here):
        assert client.form("AuthenticateUser", UID="alice", PWD="wrong").kind == "[900]"
    assert there.form("AuthenticateUser", UID="alice", PWD=PASSWORD).kind == "[900]"
