"""`asmx-tickets user import`."""

import csv
import io
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asmx_tickets.access.accounts import AccountRules
from asmx_tickets.access.policy import Languages
from asmx_tickets.cli.csv_import import Importer, import_users
from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.password_policy import PasswordPolicy
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from asmx_tickets.users.user import Profile
from tests.support.command_line import Run, complete, start
from tests.support.service import PASSWORD, QuickParameters

HASHER = PasswordHasher(QuickParameters())
HEADER = "The first line must name the columns, once each"
text = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20)


def write(folder: Path, content: str | bytes) -> str:
    """A CSV file in the working directory; its name."""
    (folder / "users.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return "users.csv"


def importer(directory: SqlUserDirectory) -> Importer:
    """An importer into this directory, with the mildest rules and without an audit log."""
    rules = AccountRules(PasswordPolicy(min_length=1), Languages())
    return Importer(directory, HASHER, rules, lambda *_, **__: None, update=False, end_tickets=lambda _: 0)


def names(directory: UserDirectory) -> list[str]:
    """The login names in the directory."""
    return [user.profile.user_name for user in directory.all()]


def many(count: int) -> str:
    """A file of so many users, the first of them without a password."""
    return "user_name,password\nu00000,\n" + "".join(f"u{number:05d},{PASSWORD}\n" for number in range(1, count))


def test_every_column_is_imported_in_any_order(run: Run, folder: Path, directory: SqlUserDirectory) -> None:
    """Byte order mark, CRLF, quotes and blank lines are as Excel and people write them."""
    content = (
        "\ufeffpassword, Enabled ,user_name,language,first_name,last_name,email,domain,read_only\r\n"
        '"p""1,ü",FALSE,jsmith,de,John,"Smith, Jr.",jsmith@example.com,MyLibrary,yes\r\n'
        "\r\n"
        "p2,,doe,,,,,,\r\n"
    )
    result = run("user", "import", write(folder, content))
    assert result.output == "2 added, 0 refused\n"
    doe, john = directory.find("doe"), directory.find("jsmith")
    assert john is not None
    assert doe is not None
    assert john.user.profile == Profile(
        "jsmith", "John", "Smith, Jr.", "jsmith@example.com", "MyLibrary", "de", read_only=True, enabled=False
    )
    assert doe.user.profile == Profile("doe")
    assert HASHER.verify(john.password_hash, 'p"1,ü').ok
    assert HASHER.verify(doe.password_hash, "p2").ok


def test_bad_lines_are_named_and_the_others_added(run: Run, folder: Path, directory: SqlUserDirectory) -> None:
    """Each by its number and the reason, in order; never with a value of it."""
    directory.add(Profile("taken"), HASHER.hash("x"))
    lines = [
        b"user_name,password,enabled,email",
        b"good,canary1,1,",
        b"TAKEN,canary2,,",
        b"nopwd,,,",
        b"flag,canary3,canary4,",
        b'quote,"canary5,,',
        b"few,canary6",
        b"many,canary7,,,,",
        b"\xffcanary8,canary9,,",
        b",canary10,,",
        b" blank,canary11,,",
        b"GOOD,canary12,,",
        b"long,canary13,,canary" + b"x" * 400,
        b"last,canary14,,",
    ]
    result = run("user", "import", write(folder, b"\n".join(lines)), exit_code=1)
    assert result.stdout == "2 added, 11 refused\n"
    assert result.stderr.splitlines() == [
        "line 3, column user_name: The user name 'TAKEN' is taken.",
        "line 4, column password: The password is empty.",
        "line 5, column enabled: It must be true or false.",
        "line 6: The line is not valid CSV: are its quotes closed and doubled?",
        "line 7: The header has 4 columns, this line has 2.",
        "line 8: The header has 4 columns, this line has 6.",
        "line 9: The line is not UTF-8. In Excel, save the file as CSV UTF-8.",
        "line 10, column user_name: The user name is empty.",
        "line 11, column user_name: The user name starts or ends with white space.",
        "line 12, column user_name: The user name 'GOOD' is taken.",
        "line 13, column email: The e-mail address is longer than 320 characters.",
    ]
    assert "canary" not in result.output
    assert names(directory) == ["good", "last", "taken"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        f"jsmith,{PASSWORD}\n",
        "user_name\njsmith\n",
        "password\nx\n",
        "user_name,password,password\n",
        "user_name,password,Phone\n",
        f"user_name,password,{PASSWORD}\n",
    ],
)
def test_a_file_without_a_proper_header_is_refused(run: Run, folder: Path, content: str) -> None:
    """And the line is not repeated: it might be somebody's password."""
    result = run("user", "import", write(folder, content), exit_code=1)
    assert result.stdout == "0 added, 0 refused\n"
    assert HEADER in result.stderr
    assert result.stderr.count("\n") == 1
    assert PASSWORD not in result.output


@pytest.mark.parametrize(("name", "reason"), [("none.csv", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_one_line(run: Run, name: str, reason: str) -> None:
    """Exit code 1."""
    assert run("user", "import", name, exit_code=1).stderr == f"asmx-tickets: {name} can't be read: {reason}.\n"


def test_the_same_file_again_adds_nothing_and_hashes_nothing(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line is refused before its password is hashed, because its name is taken."""
    file = write(folder, f"user_name,password\na,{PASSWORD}\nb,{PASSWORD}\n")
    run("user", "import", file)
    monkeypatch.setattr("tests.support.service.HASHER.hash", lambda _: pytest.fail("a password was hashed"))
    again = run("user", "import", file, exit_code=1)
    assert again.stdout == "0 added, 2 refused\n"
    assert again.stderr == (
        "line 2, column user_name: The user name 'a' is taken.\nline 3, column user_name: The user name 'b' is taken.\n"
    )


def test_an_import_as_a_process() -> None:
    """The count on standard output, bad lines on standard error, and the exit code."""
    Path("users.csv").write_text(f"user_name,password\na,{PASSWORD}\na,{PASSWORD}\n", encoding="utf-8")
    done = complete("user", "import", "users.csv")
    assert (done.returncode, done.stdout) == (1, "1 added, 1 refused\n")
    assert done.stderr == "line 3, column user_name: The user name 'a' is taken.\n"


def test_excels_file_is_imported_from_standard_input(run: Run, directory: SqlUserDirectory) -> None:
    """With a byte order mark, semicolons and titles of its own; a bad line is named by them."""
    content = "\ufeffUserName;Password;First Name;E-Mail;Enabled\r\n" + (
        f"jsmith;{PASSWORD};John;jsmith@example.com;FALSE\r\nb;{PASSWORD};;nowhere;\r\n" + 'c;"x\r\ny";;;\r\n'
    )
    result = run("user", "import", "-", stdin=content.encode(), exit_code=1)
    assert result.stdout == "1 added, 2 refused\n"
    assert result.stderr.splitlines() == [
        "line 3, column E-Mail: The e-mail address must have one @ between a name and a host, and no white space.",
        "line 4, column Password: The password has control characters or others that can't be typed.",
    ]
    found = directory.find("jsmith")
    assert found is not None
    assert found.user.profile == Profile("jsmith", "John", email="jsmith@example.com", enabled=False)


def stored(directory: SqlUserDirectory, name: str) -> tuple[Profile, int, str | None]:
    """What is kept of a user."""
    found = directory.find(name)
    assert found is not None
    return found.user.profile, found.user.security_stamp, found.password_hash


def test_update_changes_what_the_columns_say(run: Run, folder: Path, directory: SqlUserDirectory) -> None:
    """Users who are there keep what no column names, their spelling and an unchanged password; others are added."""
    for name in ("Alice", "bob", "carol"):
        directory.add(Profile(name, "first", email=f"{name}@x", language="de"), HASHER.hash(PASSWORD))
    before = {name: stored(directory, name) for name in ("alice", "bob", "carol")}
    lines = [
        "user_name,password,first_name,enabled",
        "ALICE,,Alicia,",
        f"bob,{PASSWORD},first,true",
        "carol,Another1!,first,no",
        f"dave,{PASSWORD},Dave,",
        "erin,,Erin,",
        "alice,,Al,perhaps",
    ]
    result = run("user", "import", "--update", write(folder, "\n".join(lines)), exit_code=1)
    assert result.stdout == "1 added, 2 updated, 1 unchanged, 2 refused\n"
    assert result.stderr.splitlines() == [
        "line 6, column password: The password is empty.",
        "line 7, column enabled: It must be true or false.",
    ]
    profile, stamp, secret = stored(directory, "alice")
    assert profile == Profile("Alice", "Alicia", email="Alice@x", language="de")
    assert (stamp, secret) == before["alice"][1:]
    assert stored(directory, "bob") == before["bob"]
    profile, stamp, secret = stored(directory, "carol")
    assert profile == Profile("carol", "first", email="carol@x", language="de", enabled=False)
    assert stamp > before["carol"][1]
    assert HASHER.verify(secret, "Another1!").ok
    events = [json.loads(line) for line in (folder / "App_Data" / "audit.jsonl").read_text().splitlines()]
    assert [(event["event"], event["user"], event.get("reason")) for event in events] == [
        ("user_changed", "Alice", "first_name"),
        ("user_disabled", "carol", None),
        ("password_changed", "carol", None),
        ("user_added", "dave", None),
    ]


def test_an_export_can_be_edited_and_imported(run: Run, folder: Path, directory: SqlUserDirectory) -> None:
    """It has what people may change and no password; nothing changes where nothing was edited."""
    directory.add(Profile("Ünal", 'a "b", c', domain="x;y", read_only=True, enabled=False), HASHER.hash(PASSWORD))
    directory.add(Profile("bob", "Bob"), HASHER.hash(PASSWORD))
    before = [stored(directory, name) for name in ("Ünal", "bob")]
    exported = run("user", "export").stdout
    assert exported.splitlines()[0] == "user_name,first_name,last_name,email,domain,language,read_only,enabled"
    assert "argon2" not in exported
    file = write(folder, exported)
    assert run("user", "import", "--update", file).output == "0 added, 0 updated, 2 unchanged, 0 refused\n"
    assert [stored(directory, name) for name in ("Ünal", "bob")] == before
    write(folder, exported.replace("bob,Bob", "bob,Robert"))
    assert run("user", "import", "--update", file).output == "0 added, 1 updated, 1 unchanged, 0 refused\n"
    assert stored(directory, "bob")[0] == Profile("bob", "Robert")
    assert complete("user", "export", env=os.environ | {"PYTHONIOENCODING": "latin-1"}).stdout.count("Ünal") == 1


def test_a_file_is_not_read_further_than_needed() -> None:
    """The lines in flight are few, however long the file is."""
    read = 0

    def lines() -> Iterator[bytes]:
        nonlocal read
        yield b"user_name,password\n"
        while True:
            read += 1
            yield f"u{read},\n".encode()

    directory = open_directory("sqlite://")
    results = import_users(lines(), importer(directory))
    for number in range(2, 5000):
        assert next(results).number == number
        assert read <= number + 64
    results.close()
    directory.close()


def test_a_store_that_fails_ends_the_import_with_an_honest_count(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how many were added before, then the reason."""
    add = SqlUserDirectory.add

    def failing(self: SqlUserDirectory, profile: Profile, *rest: str) -> int:
        if profile.user_name == "c":
            raise Unavailable("The user database does not answer.")
        return add(self, profile, *rest)

    monkeypatch.setattr(SqlUserDirectory, "add", failing)
    lines = "".join(f"{name},{PASSWORD}\n" for name in "abcd")
    result = run("user", "import", write(folder, f"user_name,password\n{lines}"), exit_code=1)
    assert result.stdout == "2 added, 0 refused\n"
    assert result.stderr == "asmx-tickets: The user database does not answer.\n"


def test_ctrl_c_ends_with_the_count_so_far(folder: Path, directory: SqlUserDirectory) -> None:
    """Exit code 130; what is counted is there, and nothing else."""
    process = start("user", "import", write(folder, many(1000)))
    assert process.stderr is not None
    assert process.stderr.readline() == "line 2, column password: The password is empty.\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert output == f"{len(names(directory))} added, 1 refused\n"
    assert len(names(directory)) < 999


def test_a_killed_import_leaves_what_it_reported_and_nothing_half_done(folder: Path) -> None:
    """kill -9 after `added 100`: a hundred users are there in order, the database is whole, and it can go on."""
    file = write(folder, many(150))
    process = start("user", "import", file)
    assert process.stderr is not None
    assert [process.stderr.readline() for _ in range(2)] == [
        "line 2, column password: The password is empty.\n",
        "added 100\n",
    ]
    process.kill()
    process.communicate(timeout=60)
    with sqlite3.connect(folder / "App_Data" / "users.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = database.execute("SELECT user_name, password_hash FROM users ORDER BY id").fetchall()
    database.close()
    assert 100 <= len(rows) < 149
    assert [name for name, _ in rows] == [f"u{number:05d}" for number in range(1, len(rows) + 1)]
    assert all(HASHER.verify(stored, PASSWORD).ok for _, stored in rows[-2:])
    again = complete("user", "import", file)
    assert again.stdout == f"{149 - len(rows)} added, {len(rows) + 1} refused\n"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"a,", b'"', b"b,,", b"user_name,password"]), max_size=8))
def test_whatever_a_file_holds_each_line_has_an_outcome(lines: list[bytes]) -> None:
    """No other error than ours, and the numbers rise."""
    directory = open_directory("sqlite://")
    source = io.BytesIO(b"user_name,password,email\n" + b"\n".join(lines))
    numbers = [line.number for line in import_users(source, importer(directory))]
    directory.close()
    assert numbers == sorted(set(numbers))
    assert all(2 <= number <= source.getvalue().count(b"\n") + 1 for number in numbers)


@settings(max_examples=10, deadline=None)
@given(text.filter(lambda name: name.strip() == name != ""), text, text, text)
def test_what_a_csv_writer_writes_is_read_back(name: str, password: str, first_name: str, domain: str) -> None:
    """Commas and quotes are the writer's business, whatever is in the values."""
    password = f"not the name: {password}"
    file = io.StringIO()
    csv.writer(file).writerows(
        [["domain", "user_name", "password", "first_name"], [domain, name, password, first_name]]
    )
    directory = open_directory("sqlite://")
    assert [
        line.complaint for line in import_users([*file.getvalue().encode().splitlines(True)], importer(directory))
    ] == [""]
    found = directory.find(name)
    directory.close()
    assert found is not None
    assert found.user.profile == Profile(name, first_name, domain=domain)
    assert HASHER.verify(found.password_hash, password).ok


def test_a_header_error_comes_before_any_line() -> None:
    """Nothing is added from a file whose columns are not known."""
    directory = open_directory("sqlite://")
    with pytest.raises(UserError, match=HEADER):
        next(import_users([b"name,password\n", b"a,b\n"], importer(directory)))
    assert names(directory) == []
    directory.close()


def test_the_help_names_the_columns() -> None:
    """Those that CONTRACT 3 lists."""
    shown = complete("user", "import", "--help").stdout
    for column in ("user_name", "password", "first_name", "last_name", "email", "domain", "language", "read_only"):
        assert column in shown
