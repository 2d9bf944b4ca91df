"""PostgreSQL as the user store: each call ends in time, whatever the server does, and afterwards calls work again."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from asmx_tickets.errors import SettingsError, Unavailable, UserError
from asmx_tickets.users.database import Patience
from asmx_tickets.users.opening import open_database
from asmx_tickets.users.postgresql import NoAnswer, Silence
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from asmx_tickets.users.user import Profile, account_key
from tests.support.directories import run_sql
from tests.support.postgresql import PostgresServer
from tests.support.service import Clock

CALLS: dict[str, Callable[[SqlUserDirectory], object]] = {
    "find": lambda directory: directory.find("jsmith"),
    "get": lambda directory: directory.get(1),
    "all": lambda directory: list(directory.all()),
    "a logon": lambda directory: directory.change(1, last_logon=1.0),
    "change": lambda directory: directory.change(1, enabled=True),
    "add": lambda directory: directory.add(Profile("other"), "secret"),
    "add with an id": lambda directory: directory.add(Profile("another"), "secret", user_id=77),
    "remove": lambda directory: directory.remove(3),
}
WRITES = ["a logon", "change", "add", "add with an id", "remove"]
IN_TIME = 1.5
"""Seconds that a login has for the store, without its other steps."""


def seconds(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def refused(directory: SqlUserDirectory, call: str, reason: str) -> float:
    """A call must raise Unavailable for this reason, without a value in the message. The seconds it took."""
    start = time.monotonic()
    with pytest.raises(Unavailable, match=reason) as caught:
        CALLS[call](directory)
    taken = time.monotonic() - start
    assert "jsmith" not in str(caught.value)
    assert "secret" not in str(caught.value.__cause__)
    return taken


def recovered(directory: SqlUserDirectory) -> float:
    """Seconds until both kinds of call answer again."""

    def ask() -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with suppress(Unavailable):
                assert directory.find("jsmith") is not None
                assert directory.change(1, last_logon=2.0)
                return
            time.sleep(0.01)
        pytest.fail("it does not recover")

    return seconds(ask)


def with_jsmith(url: str, patience: Patience | None = None) -> SqlUserDirectory:
    directory = open_directory(url, patience=patience)
    assert directory.add(Profile("jsmith"), "h") == 1
    return directory


def backend(directory: SqlUserDirectory) -> int:
    """Which of the server's processes answers."""
    with directory.database.reading() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def chain(error: BaseException | None) -> str:
    """What a log may show of an error and its causes."""
    return f"{error!r} {error}" + (chain(error.__cause__ or error.__context__) if error else "")


@pytest.fixture
def directory(postgres_url: str) -> Iterator[SqlUserDirectory]:
    """jsmith's, with the id 1, in a database of its own."""
    with closing(with_jsmith(postgres_url)) as opened:
        yield opened


@pytest.fixture
def own_directory(own_postgres: PostgresServer) -> Iterator[SqlUserDirectory]:
    """jsmith's, with the id 1, in a server of its own."""
    with closing(with_jsmith(own_postgres.new_database())) as opened:
        yield opened


class TestServerGone:
    def test_a_stopped_server_is_found_at_once(
        self, own_postgres: PostgresServer, own_directory: SqlUserDirectory
    ) -> None:
        """By every call; the first one after the start is answered."""
        own_postgres.stop()
        for call in CALLS:
            assert refused(own_directory, call, "connection refused") < 0.5
        own_postgres.start()
        assert own_directory.find("jsmith") is not None
        assert own_directory.change(1, enabled=False)

    @pytest.mark.parametrize("call", ["find", "change", "add with an id"])
    def test_a_restart_between_two_calls_is_not_noticed(
        self, own_postgres: PostgresServer, own_directory: SqlUserDirectory, call: str
    ) -> None:
        """Nor a crash: the first call afterwards is answered."""
        own_postgres.restart()
        assert CALLS[call](own_directory)
        own_postgres.kill()
        own_postgres.start()
        assert own_directory.find("jsmith") is not None

    def test_a_crash_loses_nothing_that_was_reported(
        self, own_postgres: PostgresServer, own_directory: SqlUserDirectory
    ) -> None:
        """An id is not given again either."""
        given = [own_directory.add(Profile(f"user{number}"), "h") for number in range(20)]
        own_directory.remove(given[-1])
        own_postgres.kill()
        own_postgres.start()
        assert {user.id for user in own_directory.all()} == {1, *given[:-1]}
        assert own_directory.add(Profile("other"), "h") > given[-1]

    def test_a_connection_that_the_server_ended_is_replaced(
        self, shared_postgres: PostgresServer, postgres_url: str, directory: SqlUserDirectory
    ) -> None:
        """As an administrator, a proxy or an idle timeout ends it."""
        name = postgres_url.rpartition("/")[2]
        shared_postgres.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        assert directory.change(1, enabled=False)


class TestServerHung:
    """It is stopped, processes and all: the kernel goes on to acknowledge and to take connections."""

    def test_many_logins_end_in_time(self, own_postgres: PostgresServer, own_directory: SqlUserDirectory) -> None:
        """SECURITY R3: there are more of them than connections. Soon they are refused at once."""
        own_postgres.pause()
        with ThreadPoolExecutor(30) as threads:
            taken = list(threads.map(lambda _: refused(own_directory, "find", "timeout|ago|too many"), range(60)))
        assert max(taken) < IN_TIME
        assert min(taken) < 0.1
        own_postgres.go_on()
        assert recovered(own_directory) < 2

    def test_every_call_ends_in_time(self, own_postgres: PostgresServer) -> None:
        """A write by the command line may take longer than a login. It is carried out as a whole or not at all."""
        url = own_postgres.new_database()
        with ExitStack() as stack, ThreadPoolExecutor(len(CALLS)) as threads:
            with_jsmith(url).close()
            directories = {call: stack.enter_context(closing(open_directory(url))) for call in CALLS}
            own_postgres.pause()
            taken = dict(
                zip(CALLS, threads.map(lambda call: refused(directories[call], call, "timeout"), CALLS), strict=True)
            )
            own_postgres.go_on()
            assert max(taken["find"], taken["get"], taken["all"]) < 1.2
            assert taken["a logon"] < 0.8
            assert max(taken.values()) < 3
            assert {user.profile.user_name for user in directories["all"].all()} <= {"jsmith", "other", "another"}

    def test_a_start_ends_in_time(self) -> None:
        """Something listens there and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            start = time.monotonic()
            with pytest.raises(Unavailable, match=r"\(timeout\)"):
                open_directory(
                    f"postgresql://jsmith@127.0.0.1:{mute.getsockname()[1]}/users", patience=Patience(writing=0.3)
                )
            assert time.monotonic() - start < IN_TIME

    def test_a_connection_that_came_too_late_is_used_by_the_next_call(
        self, own_postgres: PostgresServer, own_directory: SqlUserDirectory
    ) -> None:
        """Otherwise a network that is slow to connect would never get a database."""
        own_postgres.restart()
        own_postgres.pause()
        refused(own_directory, "find", "timeout")
        own_postgres.go_on()
        ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'asmx-tickets'"
        end = time.monotonic() + 5
        while not (late := own_postgres.run(ours)) and time.monotonic() < end:
            time.sleep(0.01)
        assert recovered(own_directory) < 2
        assert own_postgres.run(ours) == late


class TestSilence:
    """What keeps calls away from a server that hangs."""

    @staticmethod
    def call(silence: Silence, error: Exception | None = None) -> None:
        with silence.watched():
            if error is not None:
                raise error

    @staticmethod
    def error(cause: psycopg.Error) -> OperationalError:
        return OperationalError("SELECT", {}, cause)

    def test_after_a_call_without_an_answer_one_in_every_pause_tries(self, clock: Clock) -> None:
        """Until one is answered."""
        silence = Silence(clock)
        no_answer = self.error(NoAnswer("timeout"))
        for _ in range(3):
            with pytest.raises(OperationalError):
                self.call(silence, no_answer)
            clock.advance(0.49)
            with pytest.raises(Unavailable):
                self.call(silence)
            clock.advance(0.02)
        with silence.watched(), pytest.raises(Unavailable):
            self.call(silence)
        self.call(silence)

    def test_any_answer_counts(self, clock: Clock) -> None:
        """A server that refuses costs nobody any time."""
        silence = Silence(clock)
        for _ in range(3):
            with pytest.raises(OperationalError):
                self.call(silence, self.error(psycopg.OperationalError("connection refused")))
        self.call(silence)


class TestWaiting:
    def test_a_slow_statement_is_given_up(self, postgres_url: str, shared_postgres: PostgresServer) -> None:
        """Here, and a little later in the server, where such statements must not pile up."""
        slow = "SELECT pg_sleep(30)"
        with closing(with_jsmith(postgres_url, Patience(reading=0.2, writing=0.4))) as directory:
            start = time.monotonic()
            with pytest.raises(Unavailable, match=r"\(timeout\)"), directory.database.reading() as connection:
                connection.exec_driver_sql(slow)
            assert time.monotonic() - start < IN_TIME
            assert recovered(directory) < 2
            running = f"SELECT count(*) FROM pg_stat_activity WHERE query = '{slow}' AND state = 'active'"
            end = time.monotonic() + 5
            while shared_postgres.run(running) != [(0,)]:
                assert time.monotonic() < end
                time.sleep(0.02)

    def test_a_locked_row_delays_no_login_and_no_reader(self, postgres_url: str, directory: SqlUserDirectory) -> None:
        """An administrator's transaction holds it. Once that is over, changes work over the same connection."""
        with psycopg.connect(postgres_url) as other:
            other.execute("UPDATE users SET enabled = false")
            connection = backend(directory)
            assert refused(directory, "a logon", "55P03") < IN_TIME
            assert refused(directory, "change", "55P03") < IN_TIME
            assert directory.find("jsmith") is not None
            other.rollback()
        assert backend(directory) == connection
        assert directory.change(1, last_logon=1.0)

    def test_a_locked_table_is_given_up(self, postgres_url: str, directory: SqlUserDirectory) -> None:
        """Somebody alters it."""
        with psycopg.connect(postgres_url) as other:
            other.execute("LOCK TABLE users")
            for call in ("find", "add with an id"):
                assert refused(directory, call, "55P03") < IN_TIME
            other.rollback()
        assert directory.find("jsmith") is not None

    def test_fifty_logons_of_one_account_at_once_are_written(self, directory: SqlUserDirectory) -> None:
        """None of them waits long for the others."""

        def log_on(number: int) -> float:
            start = time.monotonic()
            assert directory.change(1, last_logon=float(number))
            return time.monotonic() - start

        with ThreadPoolExecutor(50) as threads:
            assert max(threads.map(log_on, range(50))) < IN_TIME

    def test_callers_do_not_queue_for_ever(self, directory: SqlUserDirectory) -> None:
        """All connections are in use."""
        with ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(directory.database.reading())
            assert refused(directory, "find", "too many requests") < IN_TIME
        assert directory.find("jsmith") is not None


class TestRefusals:
    """The server answers, and says no."""

    def test_a_wrong_password_is_reported_without_it(self, shared_postgres: PostgresServer) -> None:
        """The right one is accepted."""
        shared_postgres.run("DROP ROLE IF EXISTS guarded", "CREATE ROLE guarded LOGIN PASSWORD 'right'")
        address = f"127.0.0.1:{shared_postgres.port}/postgres"
        with pytest.raises(Unavailable, match=r"\(user or password refused\)") as caught:
            open_directory(f"postgresql://guarded:secret@{address}")
        assert "secret" not in chain(caught.value)
        with pytest.raises(Unavailable, match=r"\(a password is wanted\)"):
            open_directory(f"postgresql://guarded@{address}")
        with (
            closing(open_database(f"postgresql://guarded:right@{address}")) as database,
            database.reading() as connection,
        ):
            assert connection.exec_driver_sql("SELECT current_user").scalar() == "guarded"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (("/postgres", "/missing"), "no such database or user"),
            (("postgres@", "missing@"), "no such database or user"),
            (("127.0.0.1", "missing.invalid"), "no such host|timeout"),
            (("/postgres", "/postgres?sslmode=require"), "no agreement about TLS"),
        ],
    )
    def test_what_is_wrong_with_the_url_is_reported(
        self, shared_postgres: PostgresServer, change: tuple[str, str], reason: str
    ) -> None:
        """In words that have nothing of it in them."""
        with pytest.raises(Unavailable, match=rf"^The user database does not answer \(({reason})\)\.$"):
            open_directory(shared_postgres.url().replace(*change))

    def test_too_many_connections_are_reported(self, shared_postgres: PostgresServer, postgres_url: str) -> None:
        """Other programs have them all. Once one is free, it is used."""
        name = postgres_url.rpartition("/")[2]
        with_jsmith(postgres_url).close()
        shared_postgres.run(
            "DROP ROLE IF EXISTS limited",
            "CREATE ROLE limited LOGIN CONNECTION LIMIT 1",
        )
        shared_postgres.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO limited", url=postgres_url)
        url = shared_postgres.url(name, "limited")
        with closing(psycopg.connect(url)) as other:
            with pytest.raises(Unavailable, match=r"\(too many connections\)"):
                open_directory(url)
            shared_postgres.run(f"SELECT pg_terminate_backend({other.info.backend_pid}, 5000)")
        with closing(open_directory(url)) as directory:
            assert directory.find("jsmith") is not None

    def test_a_read_only_database_answers_readers(self, shared_postgres: PostgresServer, postgres_url: str) -> None:
        """A standby, or one that its administrator keeps still: logins go on."""
        with_jsmith(postgres_url).close()
        name = postgres_url.rpartition("/")[2]
        shared_postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with closing(open_directory(postgres_url)) as directory:
            assert directory.find("jsmith") is not None
            for call in WRITES:
                assert refused(directory, call, "25006") < IN_TIME
        shared_postgres.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        with closing(open_directory(postgres_url)) as directory:
            assert directory.change(1, last_logon=1.0)

    def test_a_full_disk_refuses_writes_and_answers_readers(self, own_postgres: PostgresServer) -> None:
        """Files can't grow. What was there stays, and once there is room, writes work."""
        url = own_postgres.new_database()
        with closing(with_jsmith(url)) as directory:
            own_postgres.limit_files(1024 * 1024)
            directory.database.engine.dispose()
            with pytest.raises(Unavailable, match=r"\([0-9A-Z]{5}\)"):
                for number in range(5000):
                    directory.add(Profile("x" * 250 + str(number), *["x" * 250] * 2), "secret" * 80)
            assert directory.find("jsmith") is not None
            own_postgres.limit_files()
            directory.database.engine.dispose()
            assert directory.add(Profile("other"), "h")

    def test_missing_rights_are_reported_with_what_to_do(
        self, shared_postgres: PostgresServer, postgres_url: str
    ) -> None:
        """At the first start, in one line. When they are taken away later, calls are refused."""
        shared_postgres.run("DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
        shared_postgres.run("REVOKE CREATE ON SCHEMA public FROM public", url=postgres_url)
        url = shared_postgres.url(postgres_url.rpartition("/")[2], "stranger")
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users: .* GRANT CREATE ON SCHEMA public to it\.$"):
            open_directory(url)
        shared_postgres.run("GRANT CREATE ON SCHEMA public TO stranger", url=postgres_url)
        with closing(with_jsmith(url)) as directory:
            shared_postgres.run("ALTER TABLE users OWNER TO postgres", url=postgres_url)
            for call in CALLS:
                refused(directory, call, "42501")
            shared_postgres.run("ALTER TABLE users RENAME TO gone", url=postgres_url)
            for call in CALLS:
                refused(directory, call, "42P01")

    def test_a_database_in_another_encoding_stops_the_start(self, shared_postgres: PostgresServer) -> None:
        """It can't hold most names."""
        url = shared_postgres.new_database("TEMPLATE template0 ENCODING 'LATIN1'")
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users: .* LATIN1; .* ENCODING 'UTF8' .*\.$"):
            open_directory(url)


class TestUrl:
    @pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
    def test_psycopg_3_is_the_driver(self, postgres_url: str, scheme: str) -> None:
        """Whatever SQLAlchemy would take by itself."""
        with closing(open_directory(postgres_url.replace("postgresql", scheme, 1))) as directory:
            assert directory.database.engine.driver == "psycopg"

    @pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgresql+asyncpg", "postgres", "postgresql+secret"])
    def test_others_are_refused(self, scheme: str) -> None:
        """Their time limits work differently."""
        with pytest.raises(SettingsError, match=r"postgresql://USER"):
            open_database(f"{scheme}://jsmith:secret@127.0.0.1:1/users")

    def test_an_unknown_option_is_refused_without_its_text(self) -> None:
        """The start stops. The option's value may be a secret."""
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users: .*option.*\.$") as caught:
            open_database("postgresql://jsmith@127.0.0.1:1/users?sslpasswort=secret")
        assert "secret" not in chain(caught.value)

    def test_options_of_libpq_are_passed_on(self, shared_postgres: PostgresServer, postgres_url: str) -> None:
        """Beside the program's own: a Unix socket, another schema, another name."""
        shared_postgres.run("CREATE SCHEMA tickets", url=postgres_url)
        name = postgres_url.rpartition("/")[2]
        url = (
            f"postgresql://postgres@/{name}?host={shared_postgres.folder}&port={shared_postgres.port}"
            "&application_name=test&options=-c%20search_path%3Dtickets"
        )
        with closing(with_jsmith(url)) as directory, directory.database.reading() as connection:
            asked = "SELECT current_setting('application_name'), current_schema(), current_setting('lock_timeout')"
            assert connection.exec_driver_sql(asked).one() == ("test", "tickets", "400ms")

    def test_the_next_host_is_asked_where_one_is_gone(self, shared_postgres: PostgresServer, postgres_url: str) -> None:
        """As libpq does with several."""
        name = postgres_url.rpartition("/")[2]
        hosts = f"host=127.0.0.1:1&host=127.0.0.1:{shared_postgres.port}"
        with closing(open_directory(f"postgresql://postgres@/{name}?{hosts}")) as directory:
            assert directory.find("jsmith") is None


class TestIds:
    def test_ids_that_are_brought_and_ids_that_are_given_never_meet(self, postgres_url: str) -> None:
        """Two imports and a command line at the same time."""
        start = threading.Barrier(3)
        directory = with_jsmith(postgres_url, Patience(writing=60))

        def bring(first: int) -> list[int]:
            start.wait()
            brought = []
            for user_id in range(first, first + 40, 2):
                with suppress(UserError):
                    brought.append(directory.add(Profile(f"brought{user_id}"), "h", user_id=user_id))
            return brought

        def give() -> list[int]:
            start.wait()
            return [directory.add(Profile(f"given{number}"), "h") for number in range(40)]

        with closing(directory), ThreadPoolExecutor(3) as threads:
            parts = [threads.submit(bring, 2), threads.submit(bring, 3), threads.submit(give)]
            ids = [user_id for part in parts for user_id in part.result()]
            assert len(parts[2].result()) == 40
            assert sorted(ids) == sorted({user.id for user in directory.all()} - {1})
            assert directory.add(Profile("last"), "h") > max(ids)

    def test_no_id_can_be_brought_while_one_is_being_given(
        self, postgres_url: str, directory: SqlUserDirectory
    ) -> None:
        """What id is given next is decided anew, and another transaction may hold one that nobody sees yet."""
        columns = "user_name, first_name, last_name, email, domain, language, read_only, enabled, security_stamp"
        with psycopg.connect(postgres_url) as other:
            other.execute(f"INSERT INTO users (user_key, {columns}) SELECT 'other', {columns} FROM users".encode())
            assert refused(directory, "add with an id", "55P03") < IN_TIME
            other.rollback()
        assert directory.add(Profile("another"), "h", user_id=77) == 77


@pytest.mark.parametrize("locale", ["LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'"])
def test_names_compare_and_sort_the_same_in_every_locale(shared_postgres: PostgresServer, locale: str) -> None:
    """CONTRACT 1: by code point, as in SQLite."""
    url = shared_postgres.new_database(f"TEMPLATE template0 ENCODING 'UTF8' {locale}")
    names = ["Ivan", "zoe", "_x", "Bob", "alice", "ALICE2", "Émile", "İpek", "a b", "ab"]
    with closing(open_directory(url)) as directory:
        for name in names:
            directory.add(Profile(name), "h")
        assert [user.profile.user_name for user in directory.all()] == sorted(names, key=account_key)
        assert directory.find("IVAN") is not None
        assert directory.find("ıvan") is None
        with pytest.raises(UserError):
            directory.add(Profile("IVAN"), "h")


def test_the_longest_name_has_room(directory: SqlUserDirectory) -> None:
    """Even where its key has three characters for each."""
    for name in ("🦊" * 256, chr(0x1D160) * 256, "ΐ" * 256):
        user_id = directory.add(Profile(name), "h")
        assert directory.find(name).user.id == user_id  # type: ignore[union-attr]


def test_a_change_on_another_node_is_seen_within_a_second(postgres_url: str, clock: Clock) -> None:
    """SECURITY T8 allows a minute."""
    with closing(with_jsmith(postgres_url)) as here, closing(open_directory(postgres_url)) as there:
        profiles = ProfileCache(here, clock=clock)
        assert profiles.get(1).profile.enabled  # type: ignore[union-attr]
        there.change(1, enabled=False)
        clock.advance(1.001)
        assert not profiles.get(1).profile.enabled  # type: ignore[union-attr]


def test_a_database_that_may_forget_a_commit_is_warned_about(postgres_url: str) -> None:
    """SECURITY D21, in another store: a disabled user could log in again. The tests' own server has fsync off."""
    name = make_url(postgres_url).database
    for setting in ("on", "off"):
        run_sql(postgres_url, f'ALTER DATABASE "{name}" SET synchronous_commit = {setting}')
        with closing(open_directory(postgres_url)) as directory:
            told = [line.partition(" off")[0] for line in directory.warnings()]
        always = ["PostgreSQL has fsync", "PostgreSQL has full_page_writes"]
        assert told == always + ["PostgreSQL has synchronous_commit"] * (setting == "off")
