"""The directory in SQL: several processes, crashes, and rows that were changed by hand."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from asmx_tickets.errors import UserError
from asmx_tickets.users.sql import open_directory
from asmx_tickets.users.user import Profile
from tests.support.directories import run_sql

RACE = """
import sys
from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from asmx_tickets.users.user import Profile
sys.stdin.readline()
directory = open_directory(sys.argv[1])
print("ready", flush=True)
for name in map(str.strip, sys.stdin):
    try:
        print(directory.add(Profile(name), "h"), flush=True)
    except UserError as error:
        print(error, flush=True)
"""

ADD_FOR_EVER = """
import itertools, sys
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from asmx_tickets.users.user import Profile
directory = open_directory(sys.argv[1])
for number in itertools.count():
    print(directory.add(Profile(f"user{number}"), f"hash{number}"), f"user{number}", f"hash{number}", flush=True)
"""


@contextmanager
def running(program: str, url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def say(processes: list[subprocess.Popen[str]], line: str) -> list[str]:
    """Tell all of them at once, and wait for what each answers."""
    for process in processes:
        assert process.stdin
        process.stdin.write(line + "\n")
    for process in processes:
        assert process.stdin
        process.stdin.flush()
    return [process.stdout.readline().strip() for process in processes if process.stdout]


def test_of_two_processes_that_add_one_name_one_wins(kept_url: str) -> None:
    """Both have made the database at the same time before."""
    with ExitStack() as stack:
        processes = [stack.enter_context(running(RACE, kept_url)) for _ in range(2)]
        assert say(processes, "open") == ["ready", "ready"]
        for number in range(20):
            name = ["jsmith{}", "JSMITH{}"][number % 2].format(number)
            answers = say(processes, name)
            assert sorted(answer.isdigit() for answer in answers) == [False, True]
            assert f"The user name {name!r} is taken." in answers
    with closing(open_directory(kept_url)) as directory:
        assert len(list(directory.all())) == 20


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_user_who_was_reported_as_added_survives_a_kill(kept_url: str) -> None:
    """SECURITY R8: rows are whole, and none that was reported is lost."""
    with running(ADD_FOR_EVER, kept_url) as process:
        assert process.stdout
        reported = [process.stdout.readline() for _ in range(100)]
        os.kill(process.pid, signal.SIGKILL)
        reported += process.stdout.readlines()
    complete = [line.split() for line in reported if line.endswith("\n")]
    if kept_url.startswith("sqlite"):
        assert run_sql(kept_url, "PRAGMA integrity_check") == [("ok",)]
    with closing(open_directory(kept_url)) as directory:
        for user_id, name, password_hash in complete:
            found = directory.find(name)
            assert found is not None
            assert (str(found.user.id), found.password_hash) == (user_id, password_hash)
        assert len(list(directory.all())) in {len(complete), len(complete) + 1}


class TestRowsChangedByHand:
    def test_an_account_without_a_password_is_found(self, kept_url: str) -> None:
        """SECURITY A6: as one whose password is never right."""
        with closing(open_directory(kept_url)) as directory:
            directory.add(Profile("jsmith"), "h")
            run_sql(kept_url, "UPDATE users SET password_hash = NULL")
            found = directory.find("jsmith")
        assert found is not None
        assert found.password_hash is None

    def test_a_profile_that_is_not_valid_is_reported_with_the_userid(self, kept_url: str) -> None:
        """So that the operator can repair it."""
        with closing(open_directory(kept_url)) as directory:
            user_id = directory.add(Profile("jsmith"), "h")
            run_sql(kept_url, "UPDATE users SET email = :email", email="a\nb")
            with pytest.raises(UserError, match=rf"^The row of user {user_id} .* e-mail address .*\.$"):
                directory.get(user_id)

    def test_ids_that_came_in_by_hand_are_skipped(self, kept_url: str) -> None:
        """As after a copy from another database: the next user is added, with an id above them."""
        with closing(open_directory(kept_url)) as directory:
            user_id = directory.add(Profile("jsmith"), "h")
            columns = "user_name, first_name, last_name, email, domain, language, read_only, enabled, security_stamp"
            copied = (
                f"INSERT INTO users (id, user_key, {columns}) SELECT :id, :key, {columns} FROM users WHERE id = :of"
            )
            run_sql(kept_url, copied, id=user_id + 1, key="one", of=user_id)
            run_sql(kept_url, copied, id=user_id + 7, key="two", of=user_id)
            assert directory.add(Profile("other"), "h") > user_id + 7
