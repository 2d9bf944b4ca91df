"""The warnings that an operator gets at the start."""

from collections.abc import Iterator

import pytest

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import Audit, ConnectionStrings
from asmx_tickets.users.user import Profile
from tests.support.service import HASHER


@pytest.fixture
def composition() -> Iterator[Composition]:
    stores = ConnectionStrings(users="sqlite://")
    settings = Settings(sysadmin_account_name="Chief", connection_strings=stores, audit=Audit(to=""))
    composition = compose(settings, passwords=HASHER)
    yield composition
    composition.close()


def test_a_sysadmin_name_that_no_account_has_is_a_warning(composition: Composition) -> None:
    assert composition.warnings() == (
        "SysadminAccountName names 'Chief', and there is no such user: correct it, or add the user",
    )
    composition.directory.add(Profile("CHIEF"), "no hash")
    assert composition.warnings() == ()
