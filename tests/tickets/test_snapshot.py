"""Tickets in memory outlast a restart in a file, and nothing that happens to the file does harm."""

import errno
import hashlib
import json
import logging
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asmx_tickets.tickets import Origin, Ticket, TicketRules, TicketSummary, digest, new_guid
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.snapshot import VERSION, load, save
from tests.support.service import Clock

DAY = 86_400.0
WINDOW = 30 * DAY
GUIDS = [bytes([number]) * 16 for number in range(12)]


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.bin"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Warnings and errors alone."""
    with caplog.at_level(logging.WARNING, "asmx_tickets.tickets.snapshot"):
        yield caplog


def new_cache(time: Clock, *, window: float = WINDOW, on_evicted: Any = None, **options: Any) -> MemoryTicketCache:
    rules = TicketRules(window, **{"max_total": 1000, **options})
    return MemoryTicketCache(rules, clock=time, on_evicted=on_evicted)


def add(cache: MemoryTicketCache, guid: bytes, user_id: int = 42, **fields: Any) -> Ticket:
    return cache.add(
        guid, **{"user_id": user_id, "security_stamp": 1, "language": "en", "previous_logon": None, **fields}
    )


def saved(time: Clock, file: Path, number: int = 3) -> bytes:
    """Saves tickets of the users 0, 1, …, a minute apart. What is in the file."""
    cache = new_cache(time)
    for guid in GUIDS[:number]:
        add(cache, guid, guid[0])
        time.now += 60
    assert save(cache, file) == number
    return file.read_bytes()


def put(file: Path, content: bytes) -> None:
    file.touch(0o600)
    file.write_bytes(content)


def alive(cache: MemoryTicketCache) -> list[int]:
    """Which of the GUIDS."""
    return [guid[0] for guid in GUIDS if cache.look(guid)]


def in_order_of_use(cache: MemoryTicketCache) -> list[int]:
    """The user ids. Ends all tickets."""
    _, batches = cache.hand_over()
    return [record[0] for batch in batches for record in struct.iter_unpack("<32xq63x", batch)][::-1]


numbers = st.integers(-(2**63), 2**63 - 1)
languages = st.text(st.characters(), max_size=5)  # Also lone surrogates.
added = st.tuples(
    st.fixed_dictionaries(
        {
            "user_id": numbers,
            "security_stamp": numbers,
            "language": languages,
            "previous_logon": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "origin": st.builds(Origin, st.sampled_from(["", "192.0.2.1", "2001:db8::7"]), languages, st.booleans()),
        }
    ),
    st.floats(0, 10 * DAY),
)


@settings(max_examples=50)  # Each syncs a file to the disk.
@given(st.lists(added, max_size=12), st.lists(st.tuples(st.sampled_from(GUIDS), languages, st.floats(0, DAY))))
def test_every_ticket_comes_back_as_it_was(
    adding: list[tuple[dict[str, Any], float]], using: list[tuple[bytes, str, float]]
) -> None:
    """Whatever it says, in whatever language, last used whenever; and in the order of use."""
    time = Clock()
    before, after = new_cache(time), new_cache(time)
    for guid, (fields, later) in zip(GUIDS, adding, strict=False):
        before.add(guid, **fields)
        time.now += later
    for guid, language, later in using:
        before.renew(guid, language=language)
        time.now += later

    def facts(cache: MemoryTicketCache) -> tuple[list[Ticket | None], list[TicketSummary]]:
        return [cache.look(guid) for guid in GUIDS], sorted(cache.summaries(), key=lambda each: each.short_hash)

    told, number = facts(before), len(alive(before))
    with tempfile.TemporaryDirectory() as folder:
        assert save(before, Path(folder, "tickets")) == number
        assert load(after, Path(folder, "tickets")) == number
    assert facts(after) == told
    assert after.held == number


def test_the_order_of_use_is_kept(time: Clock, file: Path) -> None:
    """So the ticket that goes first when there are too many is the one that would have gone without the restart."""
    cache = new_cache(time)
    for guid in GUIDS[:5]:
        add(cache, guid, guid[0])
        time.now += 1
    for used in (3, 0, 2):
        cache.renew(GUIDS[used])
    save(cache, file)
    evicted: list[int] = []
    cache = new_cache(time, max_total=5, on_evicted=lambda summary: evicted.append(summary.user_id))
    load(cache, file)
    for _ in range(5):
        add(cache, new_guid(), 99)
    assert evicted == [1, 4, 3, 0, 2]


def test_the_file_is_what_its_description_says(time: Clock, file: Path) -> None:
    """Whoever changes the format must raise VERSION, so that an older file is not taken for a damaged one."""
    record = struct.Struct("<32sqqddIdd16sHB")
    now = time.now
    address = bytes(10) + b"\xff\xff\xc0\x00\x02\x01"
    rest = b"".join(
        [
            struct.pack("<I", 21),
            b'["en", "fran", "GET"]',
            record.pack(
                digest(GUIDS[1]), -7, 3, float("-inf"), now - 9, 1, now - 1, now + WINDOW - 1, address, 2, True
            ),
            record.pack(digest(GUIDS[2]), 42, 1, 5.5, now - 2, 0, now - 2, now + WINDOW - 2, bytes(16), 0xFFFF, False),
        ]
    )
    content = struct.pack("<12sI32s", b"asmx-tickets", 2, hashlib.sha256(rest).digest()) + rest
    put(file, content)
    cache = new_cache(time)
    assert VERSION == 2
    assert load(cache, file) == 2
    assert cache.look(GUIDS[1]) == Ticket(-7, 3, "fran", None, now - 9, now + WINDOW - 1)
    assert cache.look(GUIDS[2]) == Ticket(42, 1, "en", 5.5, now - 2, now + WINDOW - 2)
    assert {each.user_id: each.origin for each in cache.summaries()} == {
        -7: Origin("192.0.2.1", "GET", True),
        42: Origin(),
    }
    assert save(cache, file) == 2
    again = file.read_bytes()
    assert again[:16] == content[:16]
    assert again[48:] == content[48:]


def test_no_ticket_is_in_the_file(time: Clock, file: Path) -> None:
    content = saved(time, file)
    assert digest(GUIDS[1]) in content
    assert not any(guid in content or guid.hex().encode() in content for guid in GUIDS[1:3])


def test_the_file_is_private_from_its_first_byte(time: Clock, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the umask forbids nothing."""
    modes = []
    sync = os.fsync

    def watched(handle: int) -> None:
        modes.append([(each.stat().st_mode & 0o777, each.stat().st_size) for each in file.parent.iterdir()])
        sync(handle)

    monkeypatch.setattr("os.fsync", watched)
    umask = os.umask(0)
    try:
        content = saved(time, file)
    finally:
        os.umask(umask)
    assert modes == [[(0o600, len(content))]] * 2


def test_a_first_start_finds_no_file(time: Clock, file: Path, log: pytest.LogCaptureFixture) -> None:
    assert load(new_cache(time), file) == 0
    assert load(new_cache(time), file / "no" / "such" / "folder") == 0
    assert log.messages == []


def test_an_empty_cache_is_saved_too(time: Clock, file: Path, log: pytest.LogCaptureFixture) -> None:
    saved(time, file, 0)
    assert load(new_cache(time), file) == 0
    assert log.messages == []


def test_no_ticket_that_was_logged_out_after_the_start_comes_back(
    time: Clock, file: Path, log: pytest.LogCaptureFixture
) -> None:
    """CONTRACT 1.2: LogOut is final. Neither after a crash, which saves nothing, nor after the next graceful stop."""
    saved(time, file)
    cache = new_cache(time)
    assert load(cache, file) == 3
    assert cache.remove(GUIDS[1])
    after_a_crash = new_cache(time)
    assert load(after_a_crash, file) == 0
    assert alive(after_a_crash) == []
    assert "did not stop in good order" in log.messages[-1]
    save(cache, file)
    after_a_stop = new_cache(time)
    assert load(after_a_stop, file) == 2
    assert alive(after_a_stop) == [0, 2]


def test_the_file_is_marked_on_the_disk_before_there_is_a_ticket(
    time: Clock, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power cut could bring it back, with tickets that were logged out since."""
    saved(time, file)
    cache = new_cache(time)
    synced = []
    sync = os.fsync

    def watched(handle: int) -> None:
        synced.append((os.path.samestat(os.fstat(handle), file.stat()), file.read_bytes()[:4], cache.held))
        sync(handle)

    monkeypatch.setattr("os.fsync", watched)
    assert load(cache, file) == 3
    assert synced == [(True, b"used", 0)]


def test_languages_stay_right_in_a_cache_that_had_others_before(time: Clock, file: Path) -> None:
    saved(time, file)
    cache = new_cache(time)
    add(cache, GUIDS[9], language="nl")
    cache.remove(GUIDS[9])
    assert load(cache, file) == 3
    assert [ticket and ticket.language for ticket in map(cache.look, GUIDS[:3])] == ["en", "en", "en"]


def test_of_two_servers_that_start_at_once_one_gets_the_tickets(
    time: Clock, file: Path, log: pytest.LogCaptureFixture
) -> None:
    for _ in range(30):
        saved(time, file)
        start, got = threading.Barrier(2), []

        def begin(start: threading.Barrier = start, got: list[int] = got) -> None:
            cache = new_cache(time)
            start.wait()
            got.append(load(cache, file))

        threads = [threading.Thread(target=begin) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sorted(got) == [0, 3]
    assert all("did not stop in good order" in message for message in log.messages)


def assert_refused(time: Clock, file: Path, log: pytest.LogCaptureFixture, why: str, content: bytes) -> None:
    """A start finds no ticket, says so in one line, and sets the file aside as it is."""
    log.clear()
    cache = new_cache(time)
    assert load(cache, file) == 0
    assert cache.held == 0
    (message,) = log.messages
    (aside,) = file.parent.iterdir()
    assert aside.name.startswith("tickets.bin.damaged.")
    assert str(file) in message
    assert why in message
    assert aside.name in message
    assert aside.read_bytes() == content
    aside.unlink()


def test_a_file_that_is_cut_short_is_set_aside(time: Clock, file: Path, log: pytest.LogCaptureFixture) -> None:
    """Wherever it ends."""
    content = saved(time, file)
    for length in range(len(content)):
        put(file, content[:length])
        assert_refused(time, file, log, "cut short", content[:length])


def test_a_damaged_file_is_set_aside(time: Clock, file: Path, log: pytest.LogCaptureFixture) -> None:
    """Whichever byte of it is wrong, or if one was added."""
    content = saved(time, file)
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        put(file, damaged)
        assert_refused(time, file, log, "version" if 12 <= at < 16 else "damaged", bytes(damaged))
    put(file, content + b"\0")
    assert_refused(time, file, log, "damaged", content + b"\0")


def test_a_file_of_a_newer_version_is_set_aside(time: Clock, file: Path, log: pytest.LogCaptureFixture) -> None:
    content = bytearray(saved(time, file))
    struct.pack_into("<I", content, 12, VERSION + 1)
    put(file, content)
    assert_refused(time, file, log, f"has version {VERSION + 1}", bytes(content))


def with_checksum(rest: bytes) -> bytes:
    return struct.pack("<12sI32s", b"asmx-tickets", VERSION, hashlib.sha256(rest).digest()) + rest


def with_languages(languages: Any, records: bytes = b"") -> bytes:
    spoken = json.dumps(languages).encode()
    return with_checksum(struct.pack("<I", len(spoken)) + spoken + records)


@pytest.mark.parametrize(
    "content",
    [
        with_checksum(b""),
        with_checksum(struct.pack("<I", 2) + b"\xff["),
        with_languages({"en": 1}),
        with_languages(["en", 1]),
        with_languages(["en"], bytes(83)),
    ],
    ids=["nothing", "no JSON", "no list", "no text", "part of a record"],
)
def test_nonsense_with_the_right_checksum_is_set_aside(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, content: bytes
) -> None:
    put(file, content)
    assert_refused(time, file, log, "no proper content", content)


def test_a_file_of_the_version_before_is_read(time: Clock, file: Path) -> None:
    """Whoever was logged in before an update still is; where from is not known."""
    record = struct.Struct("<32sqqddIdd")
    records = b"".join(
        record.pack(digest(guid), guid[0], 1, 5.5, time.now, 0, time.now, time.now + WINDOW) for guid in GUIDS
    )
    rest = struct.pack("<I", 6) + b'["en"]' + records
    put(file, struct.pack("<12sI32s", b"asmx-tickets", 1, hashlib.sha256(rest).digest()) + rest)
    cache = new_cache(time)
    assert load(cache, file) == len(GUIDS)
    assert alive(cache) == [guid[0] for guid in GUIDS]
    assert cache.look(GUIDS[3]) == Ticket(3, 1, "en", 5.5, time.now, time.now + WINDOW)
    assert {each.origin for each in cache.summaries()} == {Origin()}


def test_records_that_can_be_no_tickets_are_left_out(time: Clock, file: Path) -> None:
    """A language that is not there, a free slot, and a digest that came before."""
    good = (digest(GUIDS[1]), 1, 1, 0.0, time.now, 0, time.now, time.now + DAY, bytes(16), 7, 2)
    record = struct.Struct("<32sqqddIdd16sHB")
    unknown = record.pack(digest(GUIDS[2]), 2, 1, 0.0, time.now, 1, time.now, time.now + DAY, bytes(16), 0, 0)
    again = record.pack(good[0], 3, *good[2:])
    put(file, with_languages(["en"], record.pack(*good) + unknown + again + bytes(record.size)))
    cache = new_cache(time)
    assert load(cache, file) == 1
    assert [summary.user_id for summary in cache.summaries()] == [1]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_set_aside(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, mode: int
) -> None:
    """They could have put a digest there whose ticket they know."""
    content = saved(time, file)
    file.chmod(mode)
    assert_refused(time, file, log, "others than its owner may write", content)


def test_a_file_of_another_user_is_set_aside(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = saved(time, file)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
    else:
        monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert_refused(time, file, log, "owned by another user", content)


def test_a_file_with_two_names_is_set_aside(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """When one name is gone, it would still be there under the other."""
    content = saved(time, file)
    other = tmp_path_factory.mktemp("elsewhere") / "kept"
    other.hardlink_to(file)
    assert_refused(time, file, log, "more than one name", content)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_may_read_is_loaded_with_a_warning(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, mode: int
) -> None:
    saved(time, file)
    file.chmod(mode)
    assert load(new_cache(time), file) == 3
    (message,) = log.messages
    assert f"could read {file}" in message


def test_a_symbolic_link_is_not_followed(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither to load nor to save: the next stop puts a file in its place."""
    target = tmp_path_factory.mktemp("elsewhere") / "target"
    content = saved(time, target)
    file.symlink_to(target)
    cache = new_cache(time)
    assert load(cache, file) == 0
    assert "symbolic link" in log.text
    add(cache, GUIDS[5])
    assert save(cache, file) == 1
    assert not file.is_symlink()
    assert target.read_bytes() == content


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_left_alone(time: Clock, file: Path, log: pytest.LogCaptureFixture, make: Any) -> None:
    """A start neither waits for it nor moves it, and a stop does not replace it."""
    make(file)
    cache = new_cache(time)
    assert load(cache, file) == 0
    assert save(cache, file) == 0
    said, failed = log.messages
    assert "left alone" in said
    assert "no file" in failed
    assert list(file.parent.iterdir()) == [file]
    assert not file.is_file()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of this user, who is not root: root may do everything."""
    with tempfile.TemporaryDirectory() as name:
        was_root = os.geteuid() == 0
        if was_root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            Path(name).chmod(0o700)
            if was_root:
                os.seteuid(0)


def test_tickets_that_could_be_loaded_twice_are_not_loaded(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk can't keep the mark that it was used."""
    content = saved(time, file)

    def failing(_handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("os.fsync", failing)
    cache = new_cache(time)
    assert load(cache, file) == 0
    assert cache.held == 0
    (message,) = log.messages
    assert "can't be marked as used" in message
    (aside,) = file.parent.iterdir()
    assert aside.read_bytes()[12:] == content[12:]


def test_an_unreadable_file_is_set_aside(time: Clock, folder: Path, log: pytest.LogCaptureFixture) -> None:
    file = folder / "tickets.bin"
    saved(time, file)
    file.chmod(0)
    assert load(new_cache(time), file) == 0
    (message,) = log.messages
    assert "Permission denied" in message
    assert not file.exists()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file can be longer than this: as on a full disk, writing fails on the way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("missing", [1, 10_000, 42_000, None])
def test_a_full_disk_is_one_line_in_the_log(
    time: Clock, file: Path, log: pytest.LogCaptureFixture, missing: int | None
) -> None:
    """At whichever byte it is full. Nothing is left of the new file, and the old one stays."""
    size = 48 + 4 + len('["en"]') + 500 * 103
    cache = new_cache(time)
    for _ in range(500):
        add(cache, new_guid())
    put(file, b"old")
    with file_size_limit(0 if missing is None else size - missing):
        assert save(cache, file) == 0
    (record,) = log.records
    assert record.levelno == logging.ERROR
    assert str(file) in record.getMessage()
    assert [each.read_bytes() for each in file.parent.iterdir()] == [b"old"]


def test_a_disk_with_just_enough_room_suffices(time: Clock, file: Path) -> None:
    """This shows that it is the limit that fails in the test above."""
    with file_size_limit(48 + 4 + len('["en"]') + 3 * 103):
        saved(time, file)


def test_a_folder_that_is_missing_or_cannot_be_written_is_one_line_in_the_log(
    time: Clock, folder: Path, log: pytest.LogCaptureFixture
) -> None:
    assert save(new_cache(time), folder / "missing" / "tickets.bin") == 0
    folder.chmod(0o500)
    assert save(new_cache(time), folder / "tickets.bin") == 0
    reasons = [(record.levelno, record.getMessage().rsplit(": ", 1)[1]) for record in log.records]
    assert reasons == [(logging.ERROR, "No such file or directory"), (logging.ERROR, "Permission denied")]


KILLED = """
import os, signal, sys, time
from pathlib import Path
from asmx_tickets.tickets import TicketRules
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.snapshot import save

cache = MemoryTicketCache(TicketRules(1.0, max_total=9), clock=time.time)
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
save(cache, Path(sys.argv[1]))
"""


def test_what_a_killed_stop_left_goes_at_the_next_start(time: Clock, file: Path, log: pytest.LogCaptureFixture) -> None:
    """And no other file in the folder does."""
    others = [file.with_name(name) for name in (".tickets.bin.tmp", ".tickets.bin.of-others.tmp", "tickets.bin.tmp")]
    for other in others:
        other.touch()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(file.parent.iterdir())) == len(others) + 1
    assert load(new_cache(time), file) == 0
    assert sorted(file.parent.iterdir()) == sorted(others)
    assert log.messages == []


def test_tickets_that_expired_while_no_server_ran_are_dropped(time: Clock, file: Path) -> None:
    saved(time, file, 5)
    time.now += WINDOW - 180  # Number 2 was used 180 seconds ago.
    cache = new_cache(time)
    assert load(cache, file) == 2
    assert alive(cache) == [3, 4]


def test_what_had_expired_stays_dead_after_the_clock_stepped_back(time: Clock, file: Path) -> None:
    """CONTRACT 1.2: gone for good."""
    cache = new_cache(time)
    for _ in range(100):
        add(cache, new_guid())
    time.now += WINDOW
    assert save(cache, file) == 0
    time.now -= WINDOW
    cache = new_cache(time)
    assert load(cache, file) == 0
    assert cache.held == 0


def test_a_shorter_window_counts_from_the_last_use(time: Clock, file: Path) -> None:
    saved(time, file, 4)
    cache = new_cache(time, window=150)
    assert load(cache, file) == 2
    assert [ticket and ticket.expires_at for ticket in map(cache.look, GUIDS[:4])] == [
        None,
        None,
        time.now - 120 + 150,
        time.now - 60 + 150,
    ]


def test_a_longer_window_counts_from_the_last_use(time: Clock, file: Path) -> None:
    """But what expired by the old one is gone for good."""
    saved(time, file, 4)
    time.now += WINDOW - 150
    cache = new_cache(time, window=2 * WINDOW)
    assert load(cache, file) == 2
    ticket = cache.look(GUIDS[3])
    assert ticket is not None
    assert ticket.expires_at == time.now + WINDOW + 150 - 60


def test_an_absolute_end_set_since_counts_from_the_issue(time: Clock, file: Path) -> None:
    """And tickets end in the order of issue, whichever was used last."""
    cache = new_cache(time)
    for guid in GUIDS:
        add(cache, guid)
        time.now += DAY
    for guid in GUIDS[::-1]:
        cache.renew(guid)
    save(cache, file)
    cache = new_cache(time, absolute_expiration=10 * DAY)
    assert load(cache, file) == 9
    for oldest in range(3, 12):
        cache.look(new_guid())  # Any call ends what has expired.
        assert cache.held == 12 - oldest
        assert alive(cache) == list(range(oldest, 12))
        time.now += DAY
    assert alive(cache) == []


@pytest.mark.parametrize("step", [-1.0, -DAY, -10_000 * DAY])
def test_no_ticket_lives_longer_than_the_window_from_now(time: Clock, file: Path, step: float) -> None:
    """Even if its last use seems to lie in the future, because the clock was put back."""
    saved(time, file)
    time.now += step - 60
    cache = new_cache(time, absolute_expiration=2 * WINDOW)
    assert load(cache, file) == 3
    assert all(each.expires_at <= time.now + WINDOW for each in cache.summaries())
    assert all(each.last_used_at <= time.now for each in cache.summaries())
    assert all(ticket and ticket.issued_at <= time.now for ticket in map(cache.look, GUIDS[:3]))
    assert in_order_of_use(cache) == [0, 1, 2]


def test_beyond_a_lower_cap_the_tickets_unused_for_longest_are_left_out(time: Clock, file: Path) -> None:
    saved(time, file, 5)
    cache = new_cache(time, max_total=2)
    assert load(cache, file) == 2
    assert alive(cache) == [3, 4]


def test_beyond_a_cap_per_user_that_users_tickets_unused_for_longest_are_left_out(time: Clock, file: Path) -> None:
    cache = new_cache(time)
    for guid in GUIDS:
        add(cache, guid, guid[0] % 2)
        time.now += 60
    save(cache, file)
    cache = new_cache(time, max_per_user=2)
    assert load(cache, file) == 4
    assert alive(cache) == [8, 9, 10, 11]
    add(cache, new_guid(), 1)
    assert alive(cache) == [8, 10, 11]


MANY = """
import os, sys, time
from pathlib import Path
from asmx_tickets.tickets import TicketRules
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.snapshot import load, save

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

file = Path(sys.argv[1])
cache = MemoryTicketCache(TicketRules(1000.0, max_total=100_000), clock=time.time)
empty = resident()
if sys.argv[2] == "save":
    for number in range(100_000):
        cache.add(os.urandom(16), user_id=number % 25_000, security_stamp=1, language="en", previous_logon=1.5)
filled = resident()
start = time.process_time()
assert {"save": save, "load": load}[sys.argv[2]](cache, file) == 100_000
seconds = time.process_time() - start
print(int(filled - empty), int(resident() - empty), int(peak() - empty), seconds)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_many_tickets_take_seconds_and_little_memory_on_the_way(file: Path) -> None:
    """100,000 within 5 s of processor time each way, and memory at its peak within a fifth of what the tickets take."""

    def run(what: str) -> list[float]:
        command = [sys.executable, "-c", MANY, str(file), what]
        measured = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        return [float(number) for number in measured.split()]

    filled, _, peak, seconds = run("save")
    assert peak < 1.2 * filled
    assert seconds < 5
    _, filled, peak, seconds = run("load")
    assert peak < 1.2 * filled
    assert seconds < 5


def test_nothing_is_asked_of_windows_that_it_does_not_have(
    time: Clock, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated: without the names that Python has on Unix only, tickets are saved, loaded once, and saved again."""
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "geteuid", "pwrite"):
        monkeypatch.delattr(os, name)
    saved(time, file, 3)
    cache = new_cache(time)
    assert load(cache, file) == 3
    assert load(new_cache(time), file) == 0
    assert save(cache, file) == 3
    assert load(new_cache(time), file) == 3
