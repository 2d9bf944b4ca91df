"""Passwords: what verifies, what does not, and how long each takes."""

import re
import subprocess
import sys
import time
from collections.abc import Callable

import argon2
import pytest

from asmx_tickets.errors import SettingsError, Unavailable, UserError
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.password_policy import MAX_PASSWORD, acceptable
from asmx_tickets.users.passwords import PasswordHasher, Verification

RIGHT = Verification(ok=True, needs_rehash=False)
STALE = Verification(ok=True, needs_rehash=True)
WRONG = Verification(ok=False, needs_rehash=False)

ENCODED = re.compile(r"\$argon2id\$v=19\$m=12288,t=3,p=1\$([A-Za-z0-9+/]{22})\$[A-Za-z0-9+/]{43}")

# Not one of them may be right, fail, or be answered sooner or later than a wrong password.
UNUSABLE_HASHES = [
    None,
    "",
    "Secret123!",
    "$2b$12$C6UzMDM.H6dfI/f/IKcEeO3d3kXK4i8NN6V5vq8rVhC4zYQ0y8y1e",
    "$argon2id$",
    "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA",
    "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$",
    "$argon2id$v=19$m=12288,t=3,p=1$c2Fs$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$***",
    "$argon2id$v=19$m=12288,t=3,p=1$\u0441FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=0,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=-1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=4294967295,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=21,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=1048577,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=3,p=17$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    "$argon2id$v=19$m=12288,t=3,p=1$" + "A" * 9999 + "!$aGFzaGhhc2hoYXNoaGFzaA",
]

SHORT_OF_MEMORY = """
import resource
from asmx_tickets.errors import Unavailable
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher
hasher = PasswordHasher(HashParameters(1_048_576, 1, 1))
resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))
for work in (lambda: hasher.hash("x"), lambda: hasher.verify(None, "x")):
    try:
        print(work())
    except Unavailable as error:
        print(type(error).__name__)
"""


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least time of three on the processor, which other work on the machine doesn't change much."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times)


class TestParameters:
    def test_the_default_is_owasps_minimum(self) -> None:
        """SECURITY A1."""
        assert HashParameters() == HashParameters(memory_kib=19_456, iterations=2, parallelism=1)

    @pytest.mark.parametrize(
        "cost", [(47_104, 1, 1), (19_456, 2, 1), (12_288, 3, 1), (65_536, 3, 4), (1_048_576, 20, 16)]
    )
    def test_owasps_minima_and_above_are_taken(self, cost: tuple[int, int, int]) -> None:
        """Up to what would take the machine's memory."""
        assert HashParameters(*cost).memory_kib == cost[0]

    @pytest.mark.parametrize("cost", [(47_103, 1, 1), (19_455, 2, 1), (12_287, 3, 1), (7_168, 5, 1), (19_456, 2, 0)])
    def test_weaker_ones_are_refused(self, cost: tuple[int, int, int]) -> None:
        """In one line that says what would do."""
        with pytest.raises(SettingsError, match=r"too weak: the least is .*19456 KiB, iterations 2, parallelism 1"):
            HashParameters(*cost)

    @pytest.mark.parametrize("cost", [(1_048_577, 2, 1), (19_456, 21, 1), (19_456, 2, 17)])
    def test_ruinous_ones_are_refused(self, cost: tuple[int, int, int]) -> None:
        """Their hashes would be refused at login."""
        with pytest.raises(SettingsError, match="too costly"):
            HashParameters(*cost)


class TestHash:
    def test_a_hash_is_argon2id_with_the_parameters(self, hasher: PasswordHasher) -> None:
        """16 bytes of salt, 32 of tag (SECURITY A1)."""
        assert ENCODED.fullmatch(hasher.hash("Secret123!"))

    def test_no_two_hashes_share_a_salt(self, hasher: PasswordHasher) -> None:
        """Not even of one password."""
        salts = [ENCODED.fullmatch(hasher.hash("Secret123!")) for _ in range(2)]
        assert salts[0] and salts[1]
        assert salts[0][1] != salts[1][1]

    @pytest.mark.parametrize("password", ["x" * (MAX_PASSWORD + 1), "\ud800"])
    def test_what_could_never_be_verified_is_not_hashed(self, hasher: PasswordHasher, password: str) -> None:
        """It would lock the account."""
        with pytest.raises(UserError, match="The password"):
            hasher.hash(password)


class TestVerify:
    @pytest.mark.parametrize("password", ["Secret123!", "x", "ä" * MAX_PASSWORD, " \t ", "a\0b", "日本語🦊"])
    def test_the_same_password_is_right(self, hasher: PasswordHasher, password: str) -> None:
        """Up to 1024 characters of any text."""
        assert hasher.verify(hasher.hash(password), password) == RIGHT

    @pytest.mark.parametrize(
        ("password", "other"),
        [
            ("Secret123!", "secret123!"),
            ("Secret123!", "Secret123! "),
            ("Secret123!", " Secret123!"),
            ("Secret123!", "Secret123"),
            ("Secret123!", "Secret123!\0"),
            ("Secret123!", ""),
            ("a\0b", "a\0c"),
            ("x" * 72 + "1", "x" * 72 + "2"),
            ("x" * 1023 + "1", "x" * 1023 + "2"),
            ("m\u00fcller", "mu\u0308ller"),
        ],
    )
    def test_any_other_password_is_wrong(self, hasher: PasswordHasher, password: str, other: str) -> None:
        """Byte for byte (SECURITY A4)."""
        assert hasher.verify(hasher.hash(password), other) == WRONG

    def test_a_hash_of_other_parameters_is_to_be_made_anew(self, hasher: PasswordHasher) -> None:
        """Once the password was right; a wrong one tells nothing (SECURITY A2)."""
        stored = PasswordHasher(HashParameters()).hash("Secret123!")
        assert hasher.verify(stored, "Secret123!") == STALE
        assert hasher.verify(stored, "wrong") == WRONG

    def test_other_kinds_of_argon2_verify_and_are_to_be_made_anew(self, hasher: PasswordHasher) -> None:
        """Accounts may come from another system."""
        stored = argon2.PasswordHasher(3, 12_288, 1, type=argon2.Type.I).hash("Secret123!")
        assert hasher.verify(stored, "Secret123!") == STALE

    @pytest.mark.parametrize("stored", UNUSABLE_HASHES, ids=ascii)
    def test_an_unusable_hash_takes_as_long_as_a_wrong_password(
        self, hasher: PasswordHasher, stored: str | None
    ) -> None:
        """SECURITY A6; and it is never right."""
        usable = hasher.hash("Secret123!")
        wrong = cpu_seconds(lambda: hasher.verify(usable, "wrong"))
        assert hasher.verify(stored, "Secret123!") == WRONG
        assert 0.4 * wrong < cpu_seconds(lambda: hasher.verify(stored, "Secret123!")) < 2.5 * wrong

    def test_the_first_unknown_login_takes_no_longer_than_the_next(self, cheap: HashParameters) -> None:
        """What it is compared with is there from the start."""
        seconds = cpu_seconds(lambda: PasswordHasher(cheap).verify(None, "x"))
        hasher = PasswordHasher(cheap)
        assert seconds < 2.5 * cpu_seconds(lambda: hasher.verify(None, "x"))

    @pytest.mark.parametrize("password", ["x" * (MAX_PASSWORD + 1), "x" * 1_000_000, "\ud800", "Secret123!\udfff"])
    def test_what_can_be_no_password_is_wrong_at_once(self, hasher: PasswordHasher, password: str) -> None:
        """Whatever the account, so that the time tells nothing (SECURITY A4)."""
        usable = hasher.hash("Secret123!")
        wrong = cpu_seconds(lambda: hasher.verify(usable, "wrong"))
        for stored in (usable, None):
            assert hasher.verify(stored, password) == WRONG
            assert cpu_seconds(lambda stored=stored: hasher.verify(stored, password)) < 0.2 * wrong


class TestSlots:
    def test_no_more_hashes_than_slots_are_made_at_once(self, cheap: HashParameters) -> None:
        """SECURITY A3: the next one waits, and not for ever."""
        hasher = PasswordHasher(cheap, slots=2, patience=0)
        with hasher.slot(), hasher.slot():
            with pytest.raises(Unavailable):
                hasher.hash("Secret123!")
            with pytest.raises(Unavailable):
                hasher.verify(None, "Secret123!")
        assert hasher.verify(None, "Secret123!") == WRONG

    def test_a_slot_comes_free_after_an_error(self, cheap: HashParameters) -> None:
        """Whatever went wrong in it."""
        hasher = PasswordHasher(cheap, slots=1, patience=0)
        for _ in range(3):
            with pytest.raises(RuntimeError), hasher.slot():
                raise RuntimeError
        assert hasher.verify(None, "x") == WRONG


@pytest.mark.skipif(sys.platform != "linux", reason="memory can't be limited in this way")
def test_a_lack_of_memory_is_no_wrong_password() -> None:
    """It must not be counted as one."""
    command = [sys.executable, "-c", SHORT_OF_MEMORY]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=30)
    assert answer.stdout == "Unavailable\nUnavailable\n"


class TestAcceptable:
    @pytest.mark.parametrize("password", ["Secret123!", "x", " x ", "日本語🦊", "x" * MAX_PASSWORD, "a b"])
    def test_ordinary_passwords_are(self, password: str) -> None:
        """No rules of composition (NIST SP 800-63B)."""
        assert acceptable(password) is None

    @pytest.mark.parametrize(
        ("password", "complaint"),
        [
            ("", "empty"),
            (" ", "white space"),
            ("\u00a0\u2003", "white space"),
            ("x" * (MAX_PASSWORD + 1), "1024"),
            ("a\tb", "control"),
            ("a\0", "control"),
            ("a\x85b", "control"),
            ("a\ud800", "control"),
        ],
    )
    def test_others_are_not(self, password: str, complaint: str) -> None:
        """The complaint is one line."""
        said = acceptable(password)
        assert said is not None
        assert complaint in said
        assert said.isprintable()
