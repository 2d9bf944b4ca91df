"""The settings' sections: every key below a common name, its type, default and meaning (CONTRACT 3)."""

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from asmx_tickets.access.policy import Languages
from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.types import (
    ConnectionString,
    KeyPrefix,
    LanguageCodes,
    Level,
    LogFormat,
    OptionalAddress,
    OptionalTimeSpan,
    Text,
    TicketsUrl,
    TimeSpan,
    UsersUrl,
    UtcTime,
)
from asmx_tickets.throttling import AccountRule, AddressRule, ThrottleRules
from asmx_tickets.tickets.cache import TicketRules
from asmx_tickets.users.hash_parameters import MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM, HashParameters
from asmx_tickets.users.password_policy import MAX_PASSWORD, PasswordPolicy

Built = TypeVar("Built")

STDOUT = "stdout"

# The rules and their defaults are defined where they are enforced.
_LANGUAGES = Languages()
_TICKETS = TicketRules()
_HASH = HashParameters()
_ACCOUNT = AccountRule()
_ADDRESS = AddressRule()


def _valid(build: Callable[[], Built]) -> Built:
    """Build a value from a section, so that an error names the section's key."""
    try:
        return build()
    except SettingsError as error:
        raise ValueError(f"must have other values: {str(error).rstrip('.')}") from None


class Section(BaseModel):
    """Keys below a common name. Python names are in snake_case, keys in PascalCase."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, populate_by_name=True, hide_input_in_errors=True
    )


class ConnectionStrings(Section):
    """Where users and tickets are kept."""

    users: UsersUrl = Field(
        default=ConnectionString("sqlite:///App_Data/users.db"),
        description="The users' database, an SQLAlchemy URL: sqlite:///file (a relative path starts at the settings"
        " file's folder) or postgresql://user:password@host/database.",
    )
    tickets: TicketsUrl = Field(
        default=ConnectionString("memory://"),
        description="The ticket cache: memory:// (in the server process) or a redis://, rediss:// or unix:// URL.",
    )

    @property
    def tickets_are_shared(self) -> bool:
        """Whether other processes see the same tickets."""
        return self.tickets.get_secret_value() != "memory://"

    def kept_users(self) -> str:
        """The users' URL. Raises SettingsError where they would be gone with the process."""
        url = self.users.get_secret_value()
        if url in {"sqlite://", "sqlite:///", "sqlite:///:memory:"}:
            raise SettingsError(
                "ConnectionStrings:Users must name a file, sqlite:///FILE: users in memory are gone when a program ends"
            )
        return url

    def user_files(self) -> list[str]:
        """The files that have the users, SQLite's own beside them; none where they are kept otherwise."""
        url = self.users.get_secret_value()
        database = unquote(url.partition(":///")[2]) if url.startswith("sqlite:") else ""
        return [f"{database}{end}" for end in ("", "-wal", "-shm") if database]


class Tickets(Section):
    """The life of a ticket."""

    sliding_expiration: TimeSpan = Field(
        default=timedelta(seconds=_TICKETS.sliding_expiration),
        description="How long a ticket lives from its last use, as d.hh:mm:ss.",
    )
    absolute_expiration: OptionalTimeSpan = Field(
        default=None,
        description="How long a ticket lives from its login at most, however often it is used; null: no end.",
    )
    max_per_user: int = Field(
        default=_TICKETS.max_per_user,
        ge=0,
        description="How many tickets a user may have; the one unused for longest ends. 0: any number.",
    )
    max_total: int = Field(
        default=_TICKETS.max_total,
        ge=1,
        le=100_000_000,
        description="How many tickets may live; the one unused for longest ends.",
    )
    persist_to: Text = Field(
        default="",
        description="With memory://: the file that keeps the tickets from a stop to the next start (a relative path"
        " starts at the settings file's folder); empty: none.",
    )
    key_prefix: KeyPrefix = Field(
        default="asmx-tickets:", description="With Redis: what the names of all keys begin with."
    )

    def rules(self) -> TicketRules:
        """How long tickets live and how many may live."""
        longest = None if self.absolute_expiration is None else self.absolute_expiration.total_seconds()
        return TicketRules(self.sliding_expiration.total_seconds(), longest, self.max_per_user, self.max_total)


class LanguageSettings(Section):
    """The languages a session can have."""

    supported: LanguageCodes = Field(default=_LANGUAGES.supported, description="Language codes that Lang may name.")
    default: str = Field(
        default=_LANGUAGES.default, validate_default=True, description="The system default, one of Supported."
    )

    @field_validator("default")
    @classmethod
    def _is_supported(cls, code: str, info: ValidationInfo) -> str:
        _valid(lambda: Languages(info.data.get("supported", (code,)), code))
        return code

    def languages(self) -> Languages:
        """The languages as the rules have them."""
        return Languages(self.supported, self.default)


class ServerInfo(Section):
    """What the operation ServerInfo says (CONTRACT 1)."""

    version_number: Text = Field(default="8.7.0.0", description="The version that clients are told.")
    company: Text = Field(default="", description="The licensee's name.")
    server_name: Text = Field(
        default_factory=socket.gethostname, description="The server's name; the machine's by default."
    )
    license_count: int = Field(default=0, ge=0, description="The number of licensed users.")
    subscription_end_date: UtcTime = Field(
        default="2099-12-31T23:59:59Z",
        description="When the subscription ends, as clients are told it: a date, or a date and a time in UTC.",
    )
    windows_authentication_is_on: bool = Field(default=False, description="Told to clients, without effect here.")
    workflow_is_on: bool = Field(default=False, description="Told to clients, without effect here.")
    anonymous_access_is_on: bool = Field(default=False, description="Told to clients, without effect here.")
    compliance_module_is_on: bool = Field(default=False, description="Told to clients, without effect here.")

    def facts(self) -> dict[str, str]:
        """The keys and their values, which are the answer's attributes (CONTRACT 1): true and false in lower case."""
        values = self.model_dump(by_alias=True)
        return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}


class LogLevel(Section):
    """The least severe messages that are logged. Other categories are accepted: ASP.NET's files have them."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Level] = Field(init=False)

    default: Level = Field(
        default="Information", description="Trace, Debug, Information, Warning, Error, Critical, None."
    )


class Logging(Section):
    """The log, on standard error."""

    log_level: LogLevel = LogLevel()
    format: LogFormat = Field(default="text", description="A line of text for each message, or of json.")
    access: bool = Field(
        default=False,
        description="Whether each answer is logged, whatever the level: method, path without query, status, duration,"
        " address, request id.",
    )


class Metrics(Section):
    """Numbers for Prometheus."""

    listen: OptionalAddress = Field(
        default=None,
        description="The address where they are told, at /metrics, such as http://127.0.0.1:9464; null: nowhere.",
    )


class Shutdown(Section):
    """What happens at SIGTERM."""

    drain_seconds: int = Field(
        default=0, ge=0, le=300, description="How long /readyz says 503 before the server stops taking requests."
    )


class Audit(Section):
    """The audit log: a line of JSON for whatever gives, refuses or ends access, and for each change of users."""

    to: Text = Field(
        default="App_Data/audit.jsonl",
        description="A file (a relative path starts at the settings file's folder), stdout, or empty for none.",
    )
    days: int = Field(default=90, ge=1, le=36500, description="How many days a line is kept.")
    merge_seconds: int = Field(
        default=60,
        ge=0,
        le=3600,
        description="Equal refusals, and renewals of a ticket, within so many seconds are one line with their count,"
        " after that of the first. 0: each has its own.",
    )
    max_bytes: int = Field(default=10_000_000, ge=10_000, description="A longer file is set aside as .1, .2 …")
    keep: int = Field(
        default=9,
        ge=0,
        le=1000,
        description="How many of the refusals' files that were set aside are kept. All else is kept for Days.",
    )

    @field_validator("to")
    @classmethod
    def _in_any_letter_case(cls, to: str) -> str:
        return STDOUT if to.casefold() == STDOUT else to

    @property
    def refusals(self) -> Path:
        """The file of refusals, beside the other one."""
        kept = Path(self.to)
        return kept.with_name(f"{kept.stem}-refused{kept.suffix}")


class Admin(Section):
    """How the command line reaches a running server."""

    socket: Text = Field(
        default="App_Data/admin.sock",
        description="A Unix socket for the server's own user and root (a relative path starts at the settings file's"
        " folder); empty: none.",
    )


class Throttling(Section):
    """What failed logins cost (SECURITY 1.2). Nobody sleeps: a login that comes too early is refused."""

    failures: int = Field(
        default=_ACCOUNT.free,
        ge=1,
        le=1000,
        description="Failed logins of an account in a row until it has to wait, at first 1 s.",
    )
    longest_wait: TimeSpan = Field(
        default=timedelta(seconds=_ACCOUNT.longest_wait),
        description="Each further failure doubles the wait, up to this.",
    )
    forget_after: TimeSpan = Field(
        default=timedelta(seconds=_ACCOUNT.forget_after),
        description="Time without a failure after which an account is free again.",
    )
    disable_at: int = Field(
        default=_ACCOUNT.disable_at,
        ge=0,
        description="Failed logins in a row that disable a password until an operator sets a new one or disables and"
        " enables the user. 0: never.",
    )

    failures_per_address: int = Field(
        default=_ADDRESS.burst, ge=1, description="Failed logins that an address has at once."
    )
    seconds_per_failure: float = Field(
        default=_ADDRESS.seconds, ge=0.01, le=3600, description="The time after which an address has one more."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Throttling":
        _valid(self.rules)
        return self

    def rules(self) -> ThrottleRules:
        """The rules for logins. Raises SettingsError."""
        account = AccountRule(
            free=self.failures,
            longest_wait=self.longest_wait.total_seconds(),
            forget_after=self.forget_after.total_seconds(),
            disable_at=self.disable_at,
        )
        return ThrottleRules(account, AddressRule(self.failures_per_address, self.seconds_per_failure))


class Passwords(Section):
    """What a new password must be, and the cost of its hash (argon2id). Not weaker than OWASP's minimum: SECURITY A1;
    caps: A2.
    """

    min_length: int = Field(
        default=PasswordPolicy().min_length,
        ge=1,
        le=MAX_PASSWORD,
        description="How many characters a new password has at least. It is never the user name, nor one of the 10,000"
        " most common.",
    )

    memory_kib: int = Field(
        default=_HASH.memory_kib, alias="MemoryKiB", le=MAX_MEMORY_KIB, description="Memory of one hash, in KiB."
    )
    iterations: int = Field(default=_HASH.iterations, le=MAX_ITERATIONS, description="Passes over the memory.")
    parallelism: int = Field(default=_HASH.parallelism, ge=1, le=MAX_PARALLELISM, description="Lanes.")

    @model_validator(mode="after")
    def _strong_enough(self) -> "Passwords":
        _valid(self.parameters)
        return self

    def parameters(self) -> HashParameters:
        """The cost of each new hash. Raises SettingsError."""
        return HashParameters(self.memory_kib, self.iterations, self.parallelism)
