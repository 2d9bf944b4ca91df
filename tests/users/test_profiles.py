"""The profile cache: how soon it sees a change, and what it does while the directory does not answer."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.users.database import Patience
from asmx_tickets.users.opening import open_database
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.sql import SqlUserDirectory, metadata, open_directory
from asmx_tickets.users.user import Profile, User
from tests.support.service import Clock

DISABLE = """
import sys
from asmx_tickets.users.sql import open_directory
directory = open_directory(sys.argv[1])
directory.change(int(sys.argv[2]), enabled=False)
directory.close()
"""


class Unversioned(SqlUserDirectory):
    """As where the database has no version."""

    def version(self) -> int | None:
        return None


class Unversionable(SqlUserDirectory):
    """As where the database does not answer that question."""

    def version(self) -> int | None:
        raise Unavailable


class Overtaken(SqlUserDirectory):
    """Once, something happens between the reading of a row and the answer."""

    def happen(self) -> None:
        """Set by the test."""

    def get(self, user_id: int) -> User | None:
        user = super().get(user_id)
        happen, self.happen = self.happen, lambda: None
        happen()
        return user


@pytest.fixture
def elsewhere(file_directory: SqlUserDirectory, url: str) -> Iterator[SqlUserDirectory]:
    """The same database through another object, as another process has it."""
    with closing(open_directory(url)) as directory:
        yield directory


def enabled(cache: ProfileCache, user_id: int) -> bool:
    user = cache.get(user_id)
    assert user is not None
    return user.profile.enabled


def test_the_cache_gives_what_the_directory_gives(directory: SqlUserDirectory, clock: Clock) -> None:
    """Missing accounts too."""
    user_id = directory.add(Profile("jsmith"), "h")
    cache = ProfileCache(directory, clock=clock)
    for _ in range(2):
        assert cache.get(user_id) == directory.get(user_id)
        assert cache.get(user_id + 1) is None


def test_a_second_answer_is_the_same_object(directory: SqlUserDirectory, clock: Clock) -> None:
    """The directory is not asked again, a logon through it notwithstanding."""
    user_id = directory.add(Profile("jsmith"), "h")
    cache = ProfileCache(directory, clock=clock)
    first = cache.get(user_id)
    directory.change(user_id, last_logon=clock.now)
    clock.advance(0.5)
    assert cache.get(user_id) is first


def test_own_changes_are_seen_at_once(directory: SqlUserDirectory, clock: Clock) -> None:
    """With the clock standing still."""
    user_id = directory.add(Profile("jsmith"), "h")
    cache = ProfileCache(directory, clock=clock)
    assert enabled(cache, user_id)
    directory.change(user_id, enabled=False)
    assert not enabled(cache, user_id)
    directory.remove(user_id)
    assert cache.get(user_id) is None
    directory.add(Profile("jsmith"), "h", user_id=user_id)
    assert enabled(cache, user_id)


def test_a_change_by_another_process_is_seen_after_the_interval(
    file_directory: SqlUserDirectory, url: str, clock: Clock
) -> None:
    """As when the command line disables a user of a running server."""
    user_id = file_directory.add(Profile("jsmith"), "h")
    cache = ProfileCache(file_directory, clock=clock, version_interval=0.01, lifetime=1e9)
    assert enabled(cache, user_id)
    subprocess.run([sys.executable, "-c", DISABLE, url, str(user_id)], check=True, timeout=30)
    clock.advance(0.0099)
    assert enabled(cache, user_id)
    clock.advance(0.0001)
    assert not enabled(cache, user_id)


def test_own_logons_hide_no_change_of_others(
    file_directory: SqlUserDirectory, elsewhere: SqlUserDirectory, clock: Clock
) -> None:
    """In any order of the two."""
    user_id = file_directory.add(Profile("jsmith"), "h")
    cache = ProfileCache(file_directory, clock=clock, version_interval=0, lifetime=1e9)
    for state in (False, True, False):
        cache.get(user_id)
        file_directory.change(user_id, last_logon=1.0)
        elsewhere.change(user_id, enabled=state)
        file_directory.change(user_id, last_logon=2.0)
        assert enabled(cache, user_id) is state


def test_without_a_version_a_change_is_seen_after_the_lifetime(
    file_directory: SqlUserDirectory, elsewhere: SqlUserDirectory, url: str, clock: Clock
) -> None:
    """The age of an entry is the bound."""
    user_id = file_directory.add(Profile("jsmith"), "h")
    with closing(Unversioned(open_database(url))) as unversioned:
        cache = ProfileCache(unversioned, clock=clock, lifetime=1.0)
        assert enabled(cache, user_id)
        elsewhere.change(user_id, enabled=False)
        clock.advance(0.999)
        assert enabled(cache, user_id)
        clock.advance(0.002)
        assert not enabled(cache, user_id)


class TestOvertaking:
    """A row is read, then changed, then all entries are forgotten, and only then the first answer arrives."""

    @pytest.fixture
    def overtaken(self, file_directory: SqlUserDirectory) -> Overtaken:
        return Overtaken(file_directory.database)

    def test_an_answer_from_before_an_own_change_is_not_kept(self, overtaken: Overtaken, clock: Clock) -> None:
        """Another thread's question made the cache forget."""
        user_id, other = overtaken.add(Profile("jsmith"), "h"), overtaken.add(Profile("other"), "h")
        cache = ProfileCache(overtaken, clock=clock)

        def happen() -> None:
            overtaken.change(user_id, enabled=False)
            cache.get(other)

        overtaken.happen = happen
        assert enabled(cache, user_id)
        assert not enabled(cache, user_id)

    def test_an_answer_from_before_a_change_elsewhere_is_not_kept(
        self, overtaken: Overtaken, elsewhere: SqlUserDirectory, clock: Clock
    ) -> None:
        """Another thread's look at the version did."""
        user_id, other = overtaken.add(Profile("jsmith"), "h"), overtaken.add(Profile("other"), "h")
        cache = ProfileCache(overtaken, clock=clock, version_interval=0, lifetime=1e9)

        def happen() -> None:
            elsewhere.change(user_id, enabled=False)
            cache.get(other)

        overtaken.happen = happen
        assert enabled(cache, user_id)
        assert not enabled(cache, user_id)


def test_the_cache_is_bounded(directory: SqlUserDirectory, clock: Clock) -> None:
    """And right all the same."""
    ids = [directory.add(Profile(f"user{number}"), "h") for number in range(7)]
    cache = ProfileCache(directory, clock=clock, max_entries=3)
    for user_id in ids * 2:
        assert cache.get(user_id) == directory.get(user_id)
        assert len(cache) <= 3


@pytest.fixture
def hanging() -> Iterator[SqlUserDirectory]:
    """A directory whose one connection the test can keep for itself."""
    database = open_database("sqlite://", patience=Patience(reading=0.01))
    metadata.create_all(database.engine)
    with closing(SqlUserDirectory(database)) as directory:
        yield directory


class TestOutage:
    """SECURITY R3: live tickets go on for a while, then nobody gets in."""

    def test_known_users_are_given_out_for_a_while(self, hanging: SqlUserDirectory, clock: Clock) -> None:
        """Then the error is passed on. As soon as the directory answers, users are found again."""
        user_id = hanging.add(Profile("jsmith"), "h")
        cache = ProfileCache(hanging, clock=clock, lifetime=1, outage=60)
        known = cache.get(user_id)
        with hanging.database.reading():
            for _ in range(12):
                clock.advance(5)
                assert cache.get(user_id) is known
            clock.advance(0.001)
            with pytest.raises(Unavailable):
                cache.get(user_id)
        assert cache.get(user_id) == known

    def test_unknown_users_are_unavailable(self, hanging: SqlUserDirectory, clock: Clock) -> None:
        """They are not missing: a client must keep its ticket."""
        cache = ProfileCache(hanging, clock=clock)
        with hanging.database.reading(), pytest.raises(Unavailable):
            cache.get(42)

    def test_the_directory_is_not_asked_for_every_ticket(self, hanging: SqlUserDirectory, clock: Clock) -> None:
        """Each question takes seconds. A directory that did not answer is left alone for a lifetime."""
        user_id = hanging.add(Profile("jsmith"), "h")
        cache = ProfileCache(hanging, clock=clock, lifetime=1)
        known = cache.get(user_id)
        clock.advance(1)
        with hanging.database.reading():
            assert cache.get(user_id) is known
        assert cache.get(user_id) is known
        clock.advance(1)
        assert cache.get(user_id) is not known

    def test_what_changed_before_the_outage_stays_forgotten(self, hanging: SqlUserDirectory, clock: Clock) -> None:
        """So a disabled user does not get in, neither before the outage nor during it."""
        user_id = hanging.add(Profile("jsmith"), "h")
        cache = ProfileCache(hanging, clock=clock)
        cache.get(user_id)
        hanging.change(user_id, enabled=False)
        with hanging.database.reading(), pytest.raises(Unavailable):
            cache.get(user_id)

    def test_entries_are_used_while_the_version_is_unknown(
        self, file_directory: SqlUserDirectory, clock: Clock
    ) -> None:
        """Their age still bounds how long a change goes unseen."""
        user_id = file_directory.add(Profile("jsmith"), "h")
        with closing(Unversionable(file_directory.database)) as directory:
            cache = ProfileCache(directory, clock=clock, version_interval=0.01, lifetime=1)
            known = cache.get(user_id)
            clock.advance(0.5)
            assert cache.get(user_id) is known
            clock.advance(0.5)
            assert cache.get(user_id) == known
