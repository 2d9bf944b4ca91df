"""What the tests against attackers share: services composed with stores of their own, and a server that logs all."""

from collections.abc import Callable, Iterator
from datetime import UTC
from itertools import count
from pathlib import Path

import pytest

from asmx_tickets.hosting.demo import add_demo_users
from asmx_tickets.settings.model import load_settings
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.user import Profile
from tests.fuzz.target import Target
from tests.support.attacks import (
    ENVIRONMENT_CANARY,
    TARGET,
    TRUSTED,
    UNMERGED,
    UNTHROTTLED,
    CountingHasher,
    GuessedService,
    WatchedServer,
    running,
)
from tests.support.service import PASSWORD, Clock, QuickParameters, Service, composing


@pytest.fixture(scope="session")
def watched_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedServer]:
    """One demo for a whole worker of the test run, which logs at Trace. It hardly throttles, its CreateTicketforUser is
    for 127.0.0.2 alone, and ENVIRONMENT_CANARY is in its environment."""
    folder = tmp_path_factory.mktemp("demo")
    settings = {"Audit__To": "stdout", "Logging__LogLevel__Default": "Trace", "TrustedUserNetworks__0": "127.0.0.2"}
    with running(folder, "--demo", DEPLOY_TOKEN=ENVIRONMENT_CANARY, **settings, **UNTHROTTLED, **UNMERGED) as server:
        yield server


@pytest.fixture
def make_stored_service(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Service]]:
    """Compose the service as ``serve`` does, with alice, bob and quick hashes. Settings have the environment's names.
    Users and the audit log are kept below tmp_path if no setting says otherwise."""
    hasher = PasswordHasher(QuickParameters())
    file = tmp_path / "appsettings.json"
    file.write_text("{}")

    with composing() as compose:

        def make(**settings: str) -> Service:
            loaded = load_settings(file, environ={"TrustedUserPwd": TRUSTED, **UNTHROTTLED, **UNMERGED, **settings})
            composition = compose(loaded, clock=clock, local_zone=UTC, passwords=hasher, steady_clock=clock)
            for name in ("alice", "bob"):
                if composition.directory.find(name) is None:
                    composition.directory.add(Profile(name), hasher.hash(PASSWORD))
            return Service(composition, clock)

        yield make


@pytest.fixture
def make_guessed(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., GuessedService]]:
    """Compose the service as ``serve`` does, with the default throttles, the demo's users in memory and an audit log.
    Settings have the environment's names. Hashes are quick if no other ``cost`` is given."""
    file = tmp_path / "guessed.json"
    file.write_text("{}")

    audits = (tmp_path / f"audit-{number}.jsonl" for number in count())
    with composing() as compose:

        def make(cost: HashParameters | None = None, **settings: str) -> GuessedService:
            hasher, audit = CountingHasher(cost or QuickParameters()), next(audits)
            environ = {"ConnectionStrings__Users": "sqlite://", "Audit__To": str(audit), **UNMERGED, **settings}
            if not any(name.startswith("TrustedUserPwd") for name in settings):
                environ["TrustedUserPwd"] = TRUSTED
            loaded = load_settings(file, environ=environ)
            composition = compose(loaded, clock=clock, local_zone=UTC, passwords=hasher, steady_clock=clock)
            if composition.directory.find("jsmith") is None:
                add_demo_users(composition.directory, hasher.hash)
            return GuessedService(composition, clock, hasher=hasher, audit=audit)

        yield make


@pytest.fixture
def guessed(make_guessed: Callable[..., GuessedService]) -> GuessedService:
    """With the default settings."""
    return make_guessed()


@pytest.fixture
def target(record_property: Callable[[str, object], None]) -> Iterator[Target]:
    """The service in front of rules that refuse everything and keep what they were asked."""
    TARGET.slowest = 0.0
    yield TARGET
    slowest = round(TARGET.slowest * 1000, 1)
    record_property("slowest answer in ms", slowest)
    print(f"slowest answer: {slowest} ms")
