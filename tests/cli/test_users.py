"""`asmx-tickets user`: one account at a time."""

import fcntl
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.sql import SqlUserDirectory
from asmx_tickets.users.user import Profile, User
from tests.support.command_line import Run, complete, start
from tests.support.service import PASSWORD
from tests.support.somebody import needs_root, nobody, passable_folder

HEADER = (
    "userid\tuser_name\tfirst_name\tlast_name\temail\tdomain\tlanguage\tread_only\tenabled\tlast_logon"
    "\tlast_password_change"
)
JOHN = ["jsmith", "--first-name", "John", "--last-name", "Smith", "--email", "jsmith@example.com"]


def user(directory: SqlUserDirectory, name: str) -> User:
    """The account of that name."""
    found = directory.find(name)
    assert found is not None
    return found.user


def accepts(directory: SqlUserDirectory, name: str, password: str) -> bool:
    """Whether the account has this password."""
    found = directory.find(name)
    assert found is not None
    return PasswordHasher(HashParameters()).verify(found.password_hash, password).ok


def test_an_added_user_is_there_with_what_was_said(run: Run, directory: SqlUserDirectory) -> None:
    """The userid is all that is printed."""
    more = ["--domain", "MyLibrary", "--language", "de", "--read-only", "--disabled"]
    result = run("user", "add", *JOHN, *more, stdin=f"{PASSWORD}\n")
    added = user(directory, "JSMITH")
    assert result.output == f"{added.id}\n"
    profile = added.profile
    assert (profile.user_name, profile.full_name, profile.email) == ("jsmith", "John Smith", "jsmith@example.com")
    assert (profile.domain, profile.language, profile.read_only, profile.enabled) == ("MyLibrary", "de", True, False)
    assert accepts(directory, "jsmith", PASSWORD)


@pytest.mark.parametrize("line", [f"{PASSWORD}\n", PASSWORD, f"{PASSWORD}\r\n", f"{PASSWORD}\nsecond line\n"])
def test_the_password_is_the_first_line(run: Run, directory: SqlUserDirectory, line: str) -> None:
    """Without its line break, with everything else."""
    run("user", "add", "a", stdin=line)
    assert accepts(directory, "a", PASSWORD)


def test_a_password_is_taken_exactly(run: Run, directory: SqlUserDirectory) -> None:
    """Blanks at its ends and letters of other scripts belong to it."""
    run("user", "add", "a", stdin=" pässwörd \n")
    assert accepts(directory, "a", " pässwörd ")


@pytest.mark.parametrize(
    ("arguments", "stdin", "line"),
    [
        (["add", "a"], "", "The password is empty."),
        (["add", "a"], "\n", "The password is empty."),
        (["add", "a"], b"\xff\n", "The password on standard input is not UTF-8."),
        (["add", "a"], "x" * 1025, "The password is longer than 1024 characters."),
        (["add", ""], "x\n", "The user name is empty."),
        (["add", "JSMITH"], "x\n", "The user name 'JSMITH' is taken."),
        (["show", "nobody"], "", "There is no user 'nobody'."),
        (["show", "no\nbody"], "", "There is no user 'no\\nbody'."),
        (["enable", "nobody"], "", "There is no user 'nobody'."),
        (["set", "nobody", "--email", ""], "", "There is no user 'nobody'."),
        (["disable", "nobody"], "", "There is no user 'nobody'."),
        (["delete", "nobody"], "", "There is no user 'nobody'."),
        (["password", "nobody"], "x\n", "There is no user 'nobody'."),
        (["password", "jsmith"], "", "The password is empty."),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run: Run, directory: SqlUserDirectory, arguments: list[str], stdin: str | bytes, line: str
) -> None:
    """Exit code 1, and nothing has changed."""
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    before = list(directory.all())
    result = run("user", *arguments, stdin=stdin, exit_code=1)
    assert result.stderr == f"asmx-tickets: {line}\n"
    assert result.stdout == ""
    assert list(directory.all()) == before
    assert accepts(directory, "jsmith", PASSWORD)


def test_list_is_a_line_a_user_with_tabs_between(run: Run) -> None:
    """In the order of names, below a header. A tab in a value does not shift the columns."""
    run("user", "add", "first", stdin="x\n")
    run("user", "delete", "first")
    assert run("user", "list").output == f"{HEADER}\n"
    run("user", "add", "b", "--first-name", "a\tb", "--disabled", stdin="x\n")
    run("user", "add", *JOHN, stdin="x\n")
    run("user", "add", "A", stdin="x\n")
    header, *rows = [line.split("\t") for line in run("user", "list").output.splitlines()]
    assert header == HEADER.split("\t")
    assert [row[:10] for row in rows] == [
        ["4", "A", "", "", "", "", "", "false", "true", ""],
        ["2", "b", "a b", "", "", "", "", "false", "false", ""],
        ["3", "jsmith", "John", "Smith", "jsmith@example.com", "", "", "false", "true", ""],
    ]


def test_list_and_show_as_json(run: Run) -> None:
    """Numbers, booleans and null are JSON's; the names are those of the columns."""
    run("user", "add", *JOHN, stdin="x\n")
    shown = json.loads(run("user", "show", "jsmith", "--json").output)
    assert list(shown) == [*HEADER.split("\t"), "failed_logins"]
    assert (shown["userid"], shown["user_name"], shown["enabled"], shown["last_logon"]) == (1, "jsmith", True, None)
    del shown["failed_logins"]
    assert json.loads(run("user", "list", "--json").output) == [shown]


def test_show_has_the_profile_and_no_hash(run: Run, directory: SqlUserDirectory) -> None:
    """One fact a line; times in UTC."""
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    directory.change(user(directory, "jsmith").id, last_logon=1771425300.0)
    lines = run("user", "show", "JSmith").output.splitlines()
    assert lines[:10] == [
        "userid: 1",
        "user_name: jsmith",
        "first_name: John",
        "last_name: Smith",
        "email: jsmith@example.com",
        "domain:",
        "language:",
        "read_only: false",
        "enabled: true",
        "last_logon: 2026-02-18T14:35:00Z",
    ]
    assert lines[10].startswith("last_password_change: 20")
    assert lines[11:] == ["failed_logins:"]


def test_disable_password_and_delete_end_the_tickets(run: Run, directory: SqlUserDirectory) -> None:
    """By a raised security stamp, and by the user's absence; enable brings no ticket back."""
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    stamps = [user(directory, "jsmith").security_stamp]
    for command, stdin, enabled in (("disable", "", False), ("enable", "", True), ("password", "new\n", True)):
        assert run("user", command, "JSMITH", stdin=stdin).output == ""
        changed = user(directory, "jsmith")
        assert changed.profile.enabled is enabled
        stamps.append(changed.security_stamp)
    assert stamps[0] < stamps[1] == stamps[2] < stamps[3]
    assert accepts(directory, "jsmith", "new")
    assert run("user", "delete", "JSMITH").output == ""
    assert directory.find("jsmith") is None


def test_set_changes_what_is_named_and_leaves_the_rest(run: Run, directory: SqlUserDirectory) -> None:
    """Nobody is logged out by it; an empty value clears. The audit log has the names of what was changed."""
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    before = directory.find("jsmith")
    assert before is not None
    changes = ["--user-name", "john", "--last-name", "Brown", "--email", "", "--language", "de", "--read-only"]
    assert run("user", "set", "JSmith", *changes).output == ""
    after = directory.find("john")
    assert after is not None
    assert after.user.profile == Profile("john", "John", "Brown", language="de", read_only=True)
    assert after.user.security_stamp == before.user.security_stamp
    assert after.password_hash == before.password_hash
    assert directory.find("jsmith") is None
    run("user", "set", "john", "--no-read-only")
    assert user(directory, "john").profile.read_only is False
    changed = json.loads(Path("App_Data/audit.jsonl").read_text().splitlines()[1])
    assert (changed["event"], changed["user"]) == ("user_changed", "jsmith")
    assert changed["reason"] == "user_name, last_name, email, language, read_only"


def test_set_checks_only_what_it_changes(run: Run, directory: SqlUserDirectory) -> None:
    """An address that is older than the rules may stay. What is changed must keep to them."""
    directory.add(Profile("old", email="no address"), "x")
    directory.add(Profile("other"), "x")
    run("user", "set", "old", "--first-name", "Old")
    refused = {
        ("--email", "nowhere"): "The e-mail address must have one @ between a name and a host, and no white space.",
        ("--language", "xx"): "The language must be one of Languages:Supported (en, de, fr, nl, tr).",
        ("--user-name", "OTHER"): "The user name 'OTHER' is taken.",
        ("--user-name", ""): "The user name is empty.",
    }
    for options, line in refused.items():
        assert run("user", "set", "old", *options, exit_code=1).stderr == f"asmx-tickets: {line}\n"
    assert user(directory, "old").profile == Profile("old", "Old", email="no address")


@pytest.mark.parametrize(("answer", "exit_code"), [("y", 0), ("n", 1), ("", 1)])
def test_on_a_terminal_delete_asks(run: Run, directory: SqlUserDirectory, answer: str, exit_code: int) -> None:
    """Whoever does not say yes keeps the user."""
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    terminal = Terminal("user", "delete", "JSMITH")
    terminal.read("Remove the user jsmith for good? [y/N]: ")
    terminal.type(answer)
    assert terminal.exit_code() == exit_code
    assert ("asmx-tickets: Nothing was done." in terminal.screen) is (exit_code == 1)
    assert (directory.find("jsmith") is None) is (exit_code == 0)


def test_delete_with_yes_asks_nobody(run: Run, directory: SqlUserDirectory) -> None:
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    assert Terminal("user", "delete", "jsmith", "--yes").exit_code() == 0
    assert directory.find("jsmith") is None


def test_the_database_lies_beside_the_settings_file(run: Run, folder: Path) -> None:
    """Wherever the command is started."""
    (folder / "etc").mkdir()
    (folder / "etc" / "srv.json").write_text('{"ConnectionStrings": {"Users": "sqlite:///u.db"}}', encoding="utf-8")
    run("user", "add", "a", "--settings", "etc/srv.json", stdin="x\n")
    assert (folder / "etc" / "u.db").exists()
    assert not (folder / "App_Data").exists()


def test_a_script_can_add_and_read(folder: Path) -> None:
    """The commands as processes: exit codes, output and errors on their streams."""
    added = complete("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    again = complete("user", "add", "JSMITH", stdin=f"{PASSWORD}\n")
    listed = complete("user", "list")
    assert (added.returncode, added.stdout, added.stderr) == (0, "1\n", "")
    assert (again.returncode, again.stdout, again.stderr) == (1, "", "asmx-tickets: The user name 'JSMITH' is taken.\n")
    assert (listed.returncode, listed.stdout.splitlines()[1].split("\t")[:2]) == (0, ["1", "jsmith"])


class Terminal:
    """A command whose standard streams are a terminal."""

    def __init__(self, *arguments: str) -> None:
        self.screen = ""
        self._end, other_end = pty.openpty()
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), other_end)
        self._process: subprocess.Popen[str] = start(*arguments, **streams, start_new_session=True)
        os.close(other_end)

    def read(self, until: str | None = None) -> None:
        """Read until the screen ends with a text, or until the command is done."""
        while until is None or not self.screen.endswith(until):
            try:
                piece = os.read(self._end, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            self.screen += piece.decode(errors="replace")

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._end, f"{line}\n".encode())

    def exit_code(self) -> int:
        """Wait for the end."""
        self.read()
        os.close(self._end)
        return self._process.wait(timeout=60)


@pytest.mark.parametrize("command", ["add", "password"])
@pytest.mark.parametrize(("second", "exit_code"), [("Zweites 2!", 0), ("Drittes 3!", 1)])
def test_on_a_terminal_the_password_is_asked_twice_without_echo(
    run: Run, directory: SqlUserDirectory, command: str, second: str, exit_code: int
) -> None:
    """It must be the same both times, and never appears on the screen."""
    if command == "password":
        run("user", "add", "a", stdin=f"{PASSWORD}\n")
    terminal = Terminal("user", command, "a")
    terminal.read("Password: ")
    terminal.type("Zweites 2!")
    terminal.read("The same again: ")
    terminal.type(second)
    assert terminal.exit_code() == exit_code
    assert "Zweites" not in terminal.screen
    assert "Drittes" not in terminal.screen
    if exit_code == 0:
        assert accepts(directory, "a", "Zweites 2!")
    else:
        assert "asmx-tickets: The two passwords differ." in terminal.screen
        assert command == "add" or accepts(directory, "a", PASSWORD)


def test_a_taken_name_is_refused_before_a_password_is_typed(run: Run) -> None:
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    terminal = Terminal("user", "add", "JSMITH")
    assert terminal.exit_code() == 1
    assert terminal.screen.strip() == "asmx-tickets: The user name 'JSMITH' is taken."


def test_on_a_terminal_the_list_is_a_table(run: Run) -> None:
    """With the columns that a pipe gets; markup in a name is only text."""
    run("user", "add", *JOHN, stdin="x\n")
    run("user", "add", "[red]x", stdin="x\n")
    terminal = Terminal("user", "list")
    assert terminal.exit_code() == 0
    header, first, second = terminal.screen.splitlines()
    assert header.split() == HEADER.split("\t")
    assert "[red]x" in first
    assert first.index("[red]x") == second.index("jsmith") == header.index("user_name")


def test_on_a_terminal_an_import_shows_a_progress_bar(folder: Path) -> None:
    """It ends at 100 % and with the count; bad lines are named beside it."""
    (folder / "users.csv").write_text(f"user_name,password\na,{PASSWORD}\nb,\n", encoding="utf-8")
    terminal = Terminal("user", "import", "users.csv")
    assert terminal.exit_code() == 1
    assert "100%" in terminal.screen
    assert "line 3, column password: The password is empty." in terminal.screen
    assert terminal.screen.rstrip().endswith("1 added, 1 refused")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--language", "xx"], "The language must be one of Languages:Supported"),
        (["--email", "x"], "The e-mail address must have one @"),
    ],
)
def test_what_would_never_work_is_refused(run: Run, folder: Path, arguments: list[str], says: str) -> None:
    assert says in run("user", "add", "a", *arguments, stdin="a good password\n", exit_code=1).stderr
    assert not (folder / "App_Data").exists()


def test_a_weak_password_is_refused_wherever_one_is_set(run: Run, directory: SqlUserDirectory, folder: Path) -> None:
    """By add, password and import alike."""
    usual = {"Passwords__MinLength": "8"}
    run("user", "add", "a", stdin="a good password\n", env=usual)
    (folder / "users.csv").write_text("user_name,password\nb,12345678\nlongname,LongName\nc,short\nd,a good password\n")
    for weak in ("short", "12345678"):
        for command in (["add", "b"], ["password", "a"]):
            assert "The password is" in run("user", *command, stdin=f"{weak}\n", exit_code=1, env=usual).stderr
    assert "is the user name" in run("user", "add", "longname", stdin="LongName\n", exit_code=1, env=usual).stderr
    assert run("user", "import", "users.csv", exit_code=1, env=usual).stdout == "1 added, 3 refused\n"
    assert accepts(directory, "a", "a good password")
    assert [user.profile.user_name for user in directory.all()] == ["a", "d"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_nobody_is_added_to_a_database_that_ends_with_the_command(run: Run, url: str) -> None:
    """It would print a userid, and the user would be gone with the process."""
    for command in (["user", "add", "jsmith"], ["user", "list"]):
        result = run(*command, stdin="x\n", exit_code=1, env={"ConnectionStrings__Users": url})
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
        assert result.stderr.startswith("asmx-tickets: ConnectionStrings:Users must name a file")


def test_adding_the_sysadmin_prints_a_warning(run: Run) -> None:
    assert "never gets a ticket" in run("user", "add", "SysAdmin", stdin="a good password\n").stderr


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["add", "b"], "a good password\n"),
        (["password", "jsmith"], "another good one\n"),
        (["disable", "jsmith"], ""),
        (["enable", "away"], ""),
        (["delete", "jsmith"], ""),
        (["import", "users.csv"], ""),
    ],
    ids=lambda argument: argument[0] if isinstance(argument, list) else "",
)
def test_what_can_not_be_noted_is_not_done(
    run: Run, directory: SqlUserDirectory, folder: Path, arguments: list[str], stdin: str
) -> None:
    """SECURITY R4: the audit log can be opened but not written. For every kind of database: tests/users/test_sql.py."""
    run("user", "add", *JOHN, stdin=f"{PASSWORD}\n")
    run("user", "add", "away", "--disabled", stdin=f"{PASSWORD}\n")
    (folder / "users.csv").write_text("user_name,password\nc,a good password\n")
    before = list(directory.all())
    result = run("user", *arguments, stdin=stdin, exit_code=1, env={"Audit__To": "/dev/full"})
    assert "udit" in result.stderr
    with (folder / "App_Data" / "audit.jsonl").open() as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        result = run("user", *arguments, stdin=stdin, exit_code=1)
    assert result.stderr.splitlines()[-1].startswith("asmx-tickets: The audit log can't be written")
    assert list(directory.all()) == before
    assert accepts(directory, "jsmith", PASSWORD)


@pytest.mark.parametrize(
    "command",
    [
        ["user", "list"],
        ["user", "show", "a"],
        ["user", "enable", "a"],
        ["user", "disable", "a"],
        ["user", "delete", "a"],
        ["user", "password", "a"],
        ["migrate", "--check"],
    ],
    ids=" ".join,
)
def test_what_reads_or_changes_makes_no_database(run: Run, folder: Path, command: list[str]) -> None:
    """A mistyped path is reported, and leaves neither a file nor a folder behind."""
    result = run(*command, exit_code=1, env={"ConnectionStrings__Users": f"sqlite:///{folder}/typo/users.db"})
    assert result.stderr.startswith(
        f"asmx-tickets: ConnectionStrings:Users: there is no file {folder}/typo/users.db; it is made by"
    )
    assert list(folder.iterdir()) == []


@needs_root
@pytest.mark.parametrize(("path", "mode"), [("App_Data/users.db", 0o600), ("App_Data", 0o755)])
def test_another_users_file_is_named_with_the_reason(
    run: Run, monkeypatch: pytest.MonkeyPatch, path: str, mode: int
) -> None:
    """SQLite itself says only that it can't open it."""
    with passable_folder() as folder:
        monkeypatch.chdir(folder)
        run("user", "add", "a", stdin=f"{PASSWORD}\n")
        (folder / "App_Data" / "users.db").chmod(0o666)
        (folder / "App_Data").chmod(0o777)
        (folder / path).chmod(mode)
        with nobody():
            result = run("user", "list", exit_code=1)
        monkeypatch.undo()
    assert result.stderr == (
        f"asmx-tickets: ConnectionStrings:Users: {folder}/{path} can't be written to: Permission denied.\n"
    )


@needs_root
def test_a_read_only_disk_is_called_that(run: Run, folder: Path, request: pytest.FixtureRequest) -> None:
    run("user", "add", "a", stdin=f"{PASSWORD}\n")
    kept = str(folder / "App_Data")
    if subprocess.run(["mount", "--bind", kept, kept], check=False, capture_output=True).returncode:
        pytest.skip("this container may not mount")
    request.addfinalizer(lambda: subprocess.run(["umount", "-l", kept], check=True))
    subprocess.run(["mount", "-o", "remount,bind,ro", kept], check=True)
    result = run("user", "list", exit_code=1)
    assert result.stderr == (
        f"asmx-tickets: ConnectionStrings:Users: {kept}/users.db can't be written to: Read-only file system.\n"
    )
