"""What ``serve --demo`` serves (CONTRACT 3): known users and secrets, in memory, for this machine only."""

from collections.abc import Callable

from pydantic import SecretStr

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import STDOUT
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.user import Profile

PASSWORD = "Secret123!"  # noqa: S105 - the demo's, printed in the README
TRUSTED_PASSWORD = "MyServerSecret"  # noqa: S105 - the demo's
SYSADMIN_PASSWORD = "Sysadmin123!"  # noqa: S105 - the demo's
# By the default parameters. To make them takes as long as a tenth of the start; other parameters' are made at a logon.
_ALGORITHM = "$argon2id$v=19$m=19456,t=2,p=1"
_HASHES = {
    PASSWORD: f"{_ALGORITHM}$VGs6BvYSi0QhkZo8Qp0Z+g$8Q/yT2+/cQndFX+ezjeFdl30/zutloweF8sLu5/VZNM",
    SYSADMIN_PASSWORD: f"{_ALGORITHM}$De4qgTnPZMyHco64bgt7DA$EzVwtWby2e7bbPO18q2SH1IRbgSWx7mdlLU2fQbFxXU",
}


def demo_settings(settings: Settings) -> Settings:
    """The settings with the demo's secrets and stores. Raises SettingsError unless Urls is a loopback address."""
    open_address = next((address for address in settings.urls if not address.is_loopback), None)
    if open_address is not None:
        raise SettingsError(f"Urls is {open_address}: the demo's passwords are known to everybody, so use 127.0.0.1")
    stores = settings.connection_strings
    return settings.model_copy(
        update={
            "trusted_user_pwd": (SecretStr(TRUSTED_PASSWORD),),
            "sysadmin_account_name": "sysadmin",
            "workers": 1,
            "tickets": settings.tickets.model_copy(update={"persist_to": ""}),
            "admin": settings.admin.model_copy(update={"socket": ""}),
            "audit": settings.audit.model_copy(update={"to": settings.audit.to if settings.audit.to == STDOUT else ""}),
            "connection_strings": stores.model_copy(
                update={"users": type(stores.users)("sqlite://"), "tickets": type(stores.tickets)("memory://")}
            ),
        }
    )


def add_demo_users(directory: UserDirectory, hash_of: Callable[[str], str] | None = None) -> None:
    """Add jsmith (userid 42), retired, who is disabled, and sysadmin. ``hash_of`` makes other hashes than these."""
    hash_of = hash_of or _HASHES.__getitem__
    john = Profile(
        "jsmith", first_name="John", last_name="Smith", email="jsmith@example.com", domain="MyLibrary", language="en"
    )
    directory.add(john, hash_of(PASSWORD), user_id=42)
    directory.add(Profile("retired", first_name="Retired", last_name="User", enabled=False), hash_of(PASSWORD))
    directory.add(Profile("sysadmin", first_name="System", last_name="Administrator"), hash_of(SYSADMIN_PASSWORD))
