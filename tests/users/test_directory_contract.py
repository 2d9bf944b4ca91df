"""What every back-end of UserDirectory does. A new one joins by a line in ``directories.BACK_ENDS``."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.users.directory import Rehash, UserDirectory
from asmx_tickets.users.user import Profile, User, account_key
from tests.support.service import Clock

JSMITH = Profile("JSmith", "John", "Smith", "jsmith@example.com", "MyLibrary", "de", read_only=True)


def stamp(directory: UserDirectory, user_id: int) -> int:
    return user(directory, user_id).security_stamp


def user(directory: UserDirectory, user_id: int) -> User:
    found = directory.get(user_id)
    assert found is not None
    return found


def stored_hash(directory: UserDirectory, name: str) -> str | None:
    found = directory.find(name)
    assert found is not None
    return found.password_hash


class TestAddingAndLooking:
    def test_an_added_user_is_given_back_as_added(self, directory: UserDirectory, clock: Clock) -> None:
        """By name and by id: the profile to the letter, the hash, the time of the password, and no logon."""
        user_id = directory.add(JSMITH, "a hash")
        found = directory.find("JSmith")
        assert found is not None
        assert found.password_hash == "a hash"
        assert found.user == User(user_id, JSMITH, found.user.security_stamp, None, clock.now)
        assert directory.get(user_id) == found.user

    def test_users_share_no_security_stamp(self, directory: UserDirectory) -> None:
        """Otherwise a ticket that outlived its database would be good for another account with the same id."""
        stamps = {stamp(directory, directory.add(Profile(f"user{n}"), "h")) for n in range(5)}
        assert len(stamps) == 5

    @pytest.mark.parametrize("name", ["jsmith", "JSMITH", "jSmItH"])
    def test_a_name_is_found_in_any_letter_case(self, directory: UserDirectory, name: str) -> None:
        """CONTRACT 1; the stored spelling is given back."""
        directory.add(JSMITH, "h")
        found = directory.find(name)
        assert found is not None
        assert found.user.profile.user_name == "JSmith"

    @pytest.mark.parametrize(
        "name",
        [
            *("", " ", "jsmit", "jsmith ", " jsmith", "jsmith\0", "\0", "jsmıth", "ｊsmith", "jsmíth", "j%", "j_mith"),
            *("\ud800", "jsmith\udc80", "'; DROP TABLE users; --", "x" * 257, "x" * 100_000, "a" + "\u0323" * 50_000),
        ],
        ids=ascii,
    )
    def test_any_other_text_is_missing(self, directory: UserDirectory, name: str) -> None:
        """A client may send anything (SECURITY A7)."""
        directory.add(JSMITH, "h")
        assert directory.find(name) is None

    def test_whatever_is_typed_is_the_name_or_missing(self, directory: UserDirectory) -> None:
        """No text is an error, and none passes for another."""
        directory.add(JSMITH, "h")

        @settings(max_examples=100)
        @given(st.text(st.characters(exclude_categories=())) | st.text("jsmithJSMİTHıſ\0 \u0307", max_size=8))
        def find(name: str) -> None:
            assert (directory.find(name) is not None) == (account_key(name) == "jsmith")

        find()

    def test_an_unknown_id_is_missing(self, directory: UserDirectory) -> None:
        """And so are ids that no account can have."""
        assert directory.get(1) is None
        assert directory.get(0) is None
        assert directory.get(-1) is None

    @pytest.mark.parametrize("name", ["日本語", "🦊", "o'brien", 'say "hi"', "a\\b", "müller@例え.jp", "x" * 256])
    def test_names_may_be_of_any_script(self, directory: UserDirectory, name: str) -> None:
        """Every printable name is stored and found."""
        user_id = directory.add(Profile(name, first_name=name), "h")
        found = directory.find(name)
        assert found is not None
        assert found.user.id == user_id
        assert found.user.profile == Profile(name, first_name=name)

    @pytest.mark.parametrize("name", ["jsmith", "JSMITH", "JSmith"])
    def test_a_taken_name_is_refused(self, directory: UserDirectory, name: str) -> None:
        """In any spelling, and nothing is changed."""
        user_id = directory.add(JSMITH, "h")
        with pytest.raises(UserError, match=rf"^The user name '{name}' is taken\.$"):
            directory.add(Profile(name), "other")
        assert [found.id for found in directory.all()] == [user_id]
        assert stored_hash(directory, "jsmith") == "h"

    def test_a_user_may_bring_an_id(self, directory: UserDirectory) -> None:
        """Accounts from another system keep theirs, and the next new one gets another."""
        assert directory.add(JSMITH, "h", user_id=42) == 42
        assert user(directory, 42).profile == JSMITH
        assert directory.add(Profile("lower"), "h", user_id=7) == 7
        assert directory.add(Profile("next"), "h") > 42

    def test_a_taken_id_is_refused(self, directory: UserDirectory) -> None:
        """And nothing is changed."""
        directory.add(JSMITH, "h", user_id=42)
        with pytest.raises(UserError, match=r"^The userid is taken\.$"):
            directory.add(Profile("other"), "h", user_id=42)
        assert directory.find("other") is None


class TestChanging:
    def test_a_new_profile_replaces_the_old_one(self, directory: UserDirectory) -> None:
        """The old name is free again; the tickets live on."""
        user_id = directory.add(JSMITH, "h")
        before = user(directory, user_id)
        renamed = Profile("Smith", "Jane", email="jane@example.com")
        assert directory.change(user_id, profile=renamed) is True
        assert user(directory, user_id) == dataclasses.replace(before, profile=renamed)
        assert directory.find("jsmith") is None
        assert directory.add(Profile("jsmith"), "h") != user_id

    def test_a_name_may_change_its_letter_case(self, directory: UserDirectory) -> None:
        """Its own name is not taken."""
        user_id = directory.add(JSMITH, "h")
        assert directory.change(user_id, profile=dataclasses.replace(JSMITH, user_name="jsmith"))
        assert user(directory, user_id).profile.user_name == "jsmith"

    def test_a_change_to_a_taken_name_is_refused(self, directory: UserDirectory) -> None:
        """And nothing is changed, not even by the rest of the call."""
        directory.add(JSMITH, "h")
        other = directory.add(Profile("other"), "h")
        before = user(directory, other)
        with pytest.raises(UserError, match=r"^The user name 'JSMITH' is taken\.$"):
            directory.change(other, profile=Profile("JSMITH"), password_hash="new", last_logon=1.0)
        assert user(directory, other) == before
        assert stored_hash(directory, "other") == "h"

    def test_disabling_raises_the_stamp(self, directory: UserDirectory) -> None:
        """All tickets end (CONTRACT 1.1); enabling again revives none."""
        user_id = directory.add(JSMITH, "h")
        before = stamp(directory, user_id)
        assert directory.change(user_id, enabled=False)
        assert user(directory, user_id).profile == dataclasses.replace(JSMITH, enabled=False)
        assert stamp(directory, user_id) > before
        disabled = stamp(directory, user_id)
        assert directory.change(user_id, enabled=True)
        assert user(directory, user_id).profile == JSMITH
        assert stamp(directory, user_id) == disabled

    def test_disabling_by_profile_raises_the_stamp(self, directory: UserDirectory) -> None:
        """It is the same change."""
        user_id = directory.add(JSMITH, "h")
        before = stamp(directory, user_id)
        directory.change(user_id, profile=dataclasses.replace(JSMITH, enabled=False))
        assert stamp(directory, user_id) > before

    def test_enabled_wins_over_the_profile(self, directory: UserDirectory) -> None:
        """A profile read earlier can't disable a user who is enabled in the same call."""
        user_id = directory.add(JSMITH, "h")
        before = stamp(directory, user_id)
        directory.change(user_id, profile=dataclasses.replace(JSMITH, enabled=False), enabled=True)
        assert user(directory, user_id).profile == JSMITH
        assert stamp(directory, user_id) == before

    def test_a_new_password_raises_the_stamp_and_is_dated(self, directory: UserDirectory, clock: Clock) -> None:
        """All tickets end; the rest stays."""
        user_id = directory.add(JSMITH, "h")
        before = user(directory, user_id)
        clock.advance(0.000001, days=1)
        assert directory.change(user_id, password_hash="new")
        after = user(directory, user_id)
        assert after.security_stamp > before.security_stamp
        assert after.last_password_change == clock.now
        assert (
            dataclasses.replace(
                after, security_stamp=before.security_stamp, last_password_change=before.last_password_change
            )
            == before
        )
        assert stored_hash(directory, "jsmith") == "new"

    def test_a_rehash_changes_the_hash_alone(self, directory: UserDirectory, clock: Clock) -> None:
        """The password is the same: no ticket ends."""
        user_id = directory.add(JSMITH, "old")
        before = user(directory, user_id)
        clock.advance(1)
        assert directory.change(user_id, rehash=Rehash(old="old", new="new"))
        assert user(directory, user_id) == before
        assert stored_hash(directory, "jsmith") == "new"

    def test_a_rehash_does_not_undo_a_new_password(self, directory: UserDirectory) -> None:
        """The password was changed between the verification and the rehash."""
        user_id = directory.add(JSMITH, "old")
        directory.change(user_id, password_hash="changed")
        assert directory.change(user_id, rehash=Rehash(old="old", new="new"), last_logon=7.0) is True
        assert stored_hash(directory, "jsmith") == "changed"
        assert user(directory, user_id).last_logon == 7.0

    def test_a_logon_is_recorded_to_the_microsecond(self, directory: UserDirectory, clock: Clock) -> None:
        """And nothing else changes."""
        user_id = directory.add(JSMITH, "h")
        before = user(directory, user_id)
        assert directory.change(user_id, last_logon=clock.now + 0.123456)
        assert user(directory, user_id) == dataclasses.replace(before, last_logon=clock.now + 0.123456)

    def test_another_user_is_left_alone(self, directory: UserDirectory) -> None:
        """Changes and removals are of one account."""
        user_id = directory.add(JSMITH, "h")
        other = directory.add(Profile("other"), "h")
        before = user(directory, other)
        directory.change(user_id, password_hash="new", enabled=False, last_logon=1.0)
        directory.remove(user_id)
        assert user(directory, other) == before

    def test_a_change_that_makes_no_sense_is_the_callers_bug(self, directory: UserDirectory) -> None:
        """Nothing to change, or a password both changed and unchanged."""
        user_id = directory.add(JSMITH, "h")
        with pytest.raises(ValueError, match="nothing"):
            directory.change(user_id)
        with pytest.raises(ValueError, match="rehash"):
            directory.change(user_id, password_hash="x", rehash=Rehash("h", "y"))

    def test_a_missing_account_is_no_error(self, directory: UserDirectory) -> None:
        """It was not changed."""
        assert directory.change(7, enabled=False) is False


class TestRemoving:
    def test_a_removed_user_is_missing(self, directory: UserDirectory) -> None:
        """Removing again finds nothing."""
        user_id = directory.add(JSMITH, "h")
        assert directory.remove(user_id) is True
        assert directory.remove(user_id) is False
        assert directory.get(user_id) is None
        assert directory.find("jsmith") is None
        assert directory.change(user_id, enabled=True) is False

    @pytest.mark.parametrize("brought", [None, 1, 42])
    def test_an_id_is_never_given_again(self, directory: UserDirectory, brought: int | None) -> None:
        """A ticket of the removed account must not fit a new one, whether its id was given or brought along."""
        first = directory.add(JSMITH, "h", user_id=brought)
        directory.remove(first)
        assert directory.add(JSMITH, "h") > first


class TestListing:
    def test_all_are_listed_by_name(self, directory: UserDirectory) -> None:
        """In one order everywhere: of the folded names' code points."""
        for name in ["Émile", "zoe", "Bob", "alice", "_x", "日本", "alice2", "BOB2"]:
            directory.add(Profile(name), "h")
        listed = [found.profile.user_name for found in directory.all()]
        assert listed == ["_x", "alice", "alice2", "Bob", "BOB2", "zoe", "Émile", "日本"]

    def test_none_are_listed_of_an_empty_directory(self, directory: UserDirectory) -> None:
        """No error either."""
        assert list(directory.all()) == []

    def test_a_long_list_is_complete(self, directory: UserDirectory) -> None:
        """However it is fetched."""
        for number in range(201):
            directory.add(Profile(f"user{number:04}"), "h")
        assert [found.profile.user_name for found in directory.all()] == [f"user{number:04}" for number in range(201)]

    def test_users_can_be_changed_while_they_are_listed(self, directory: UserDirectory) -> None:
        """No lock is held between two of them."""
        for number in range(3):
            directory.add(Profile(f"user{number}"), "h")
        for found in directory.all():
            assert directory.remove(found.id)
        assert list(directory.all()) == []


class TestChangeCounter:
    def test_it_moves_with_what_a_reader_must_see(self, directory: UserDirectory) -> None:
        """Each of these changes what ``get`` gives."""
        seen = [directory.changes]
        user_id = directory.add(JSMITH, "h")
        seen.append(directory.changes)
        directory.change(user_id, enabled=False)
        seen.append(directory.changes)
        directory.change(user_id, profile=JSMITH)
        seen.append(directory.changes)
        directory.change(user_id, password_hash="new")
        seen.append(directory.changes)
        directory.remove(user_id)
        seen.append(directory.changes)
        assert len(set(seen)) == 6

    def test_it_stays_at_a_logon(self, directory: UserDirectory) -> None:
        """Otherwise each login would empty every cache. Nor does it move with a change of a missing account."""
        user_id = directory.add(JSMITH, "h")
        before = directory.changes
        directory.change(user_id, last_logon=1.0, rehash=Rehash("h", "new"))
        directory.change(7, enabled=False)
        directory.remove(7)
        assert directory.changes == before

    def test_the_version_stays_with_own_changes(self, directory: UserDirectory) -> None:
        """It moves with others' changes alone."""
        before = directory.version()
        user_id = directory.add(JSMITH, "h")
        directory.change(user_id, enabled=False)
        assert directory.version() == before


class TestThreads:
    def test_of_many_threads_that_add_one_name_one_wins(self, directory: UserDirectory) -> None:
        """The others learn that it is taken."""
        start = threading.Barrier(8)

        def add(number: int) -> int | None:
            start.wait()
            try:
                return directory.add(Profile("jsmith" if number % 2 else "JSMITH"), "h")
            except UserError:
                return None

        with ThreadPoolExecutor(8) as threads:
            given = [user_id for user_id in threads.map(add, range(8)) if user_id is not None]
        assert [found.id for found in directory.all()] == given

    def test_every_change_of_every_thread_counts(self, directory: UserDirectory) -> None:
        """Stamps and counter are raised, not set."""
        user_id = directory.add(JSMITH, "h")
        before, changes = stamp(directory, user_id), directory.changes
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: directory.change(user_id, enabled=False), range(40)))
        assert stamp(directory, user_id) == before + 40
        assert directory.changes == changes + 40


class TestTogether:
    @staticmethod
    def change_all(directory: UserDirectory, first: int) -> None:
        directory.change(first, enabled=False)
        with pytest.raises(UserError):
            directory.add(Profile("FIRST"), "h")
        directory.add(Profile("second"), "h")
        assert directory.find("second") is not None

    def test_what_is_changed_together_is_kept_as_a_whole(self, directory: UserDirectory) -> None:
        """A change that was refused in between takes nothing else with it."""
        first = directory.add(Profile("first"), "h")
        with directory.together():
            self.change_all(directory, first)
        assert [found.profile for found in directory.all()] == [Profile("first", enabled=False), Profile("second")]
        assert directory.remove(first)

    def test_it_is_undone_as_a_whole_where_the_block_raises(self, directory: UserDirectory) -> None:
        """The directory can be used afterwards."""
        first = directory.add(Profile("first"), "h")
        with pytest.raises(Unavailable, match="not noted"), directory.together():
            self.change_all(directory, first)
            raise Unavailable("not noted")
        assert [found.profile for found in directory.all()] == [Profile("first")]
        assert directory.remove(first)


def test_warnings_are_a_line_each(directory: UserDirectory) -> None:
    """The server logs them at its start."""
    warnings = directory.warnings()
    assert isinstance(warnings, tuple)
    assert all(warning.isprintable() for warning in warnings)


def test_a_closed_directory_may_be_closed_again(directory: UserDirectory) -> None:
    """Whoever opened it need not know whether somebody else has closed it."""
    directory.add(JSMITH, "h")
    directory.close()
    directory.close()
