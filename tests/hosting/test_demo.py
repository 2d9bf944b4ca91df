"""What ``serve --demo`` serves (CONTRACT 3)."""

import pytest

from asmx_tickets.hosting.demo import PASSWORD, SYSADMIN_PASSWORD, add_demo_users
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher, Verification
from asmx_tickets.users.sql import open_directory


@pytest.mark.parametrize(
    ("name", "password"), [("jsmith", PASSWORD), ("retired", PASSWORD), ("sysadmin", SYSADMIN_PASSWORD)]
)
def test_the_stored_hashes_fit_the_passwords_and_the_parameters(name: str, password: str) -> None:
    """They are stored, so that the demo starts at once."""
    directory = open_directory("sqlite://")
    add_demo_users(directory)
    found = directory.find(name)
    assert found is not None
    verification = PasswordHasher(HashParameters()).verify(found.password_hash, password)
    assert verification == Verification(ok=True, needs_rehash=False)
    directory.close()
