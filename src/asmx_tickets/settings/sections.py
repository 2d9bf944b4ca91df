"""The settings' sections: every key below a common name, its type, default and meaning (CONTRACT 3)."""

import socket
from datetime import timedelta
from typing import ClassVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from asmx_tickets.settings.types import (
    ConnectionString,
    KeyPrefix,
    LanguageCodes,
    Level,
    Networks,
    OptionalTimeSpan,
    Origins,
    ProtocolName,
    Protocols,
    RootElementName,
    Text,
    TicketsUrl,
    TimeSpan,
    UsersUrl,
    UtcTime,
)

STDOUT = "stdout"


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

    @property
    def users_are_remote(self) -> bool:
        """Whether looking up a user may have to wait for another machine."""
        return not self.users.get_secret_value().startswith("sqlite")


class Tickets(Section):
    """The life of a ticket."""

    sliding_expiration: TimeSpan = Field(
        default=timedelta(days=30), description="How long a ticket lives from its last use, as d.hh:mm:ss."
    )
    absolute_expiration: OptionalTimeSpan = Field(
        default=None,
        description="How long a ticket lives from its login at most, however often it is used; null: no end.",
    )
    max_per_user: int = Field(
        default=0, ge=0, description="How many tickets a user may have; the one unused for longest ends. 0: any number."
    )
    max_total: int = Field(
        default=2_000_000,
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


class Languages(Section):
    """The languages a session can have."""

    supported: LanguageCodes = Field(
        default=("en", "de", "fr", "nl", "tr"), description="Language codes that Lang may name."
    )
    default: str = Field(default="en", validate_default=True, description="The system default, one of Supported.")

    @field_validator("default")
    @classmethod
    def _is_supported(cls, code: str, info: ValidationInfo) -> str:
        if code not in info.data.get("supported", (code,)):
            raise ValueError("must be one of Languages:Supported")
        return code


class WebServices(Section):
    """How the service can be called."""

    protocols: Protocols = Field(
        default=get_args(ProtocolName),
        description="The bindings that are on, and Documentation for help page and WSDL.",
    )
    max_request_bytes: int = Field(default=65536, ge=1024, description="The largest body of a request, in bytes.")
    root_element: RootElementName = Field(
        default="root",
        description="The name of every answer's element: root, or response, as in the dialect of the server's versions"
        " 7, which also has an empty error attribute on success.",
    )


class ServerInfo(Section):
    """What the operation ServerInfo says (CONTRACT 1)."""

    company: Text = Field(default="", description="The licensee's name.")
    license_count: int = Field(default=0, ge=0, description="The number of licensed users.")
    server_name: Text = Field(
        default_factory=socket.gethostname, description="The server's name; the machine's by default."
    )
    version_number: Text = Field(default="8.7.0.0", description="The version clients are told.")
    subscription_end_date: UtcTime = Field(
        default="2099-12-31T23:59:59Z",
        description="When the subscription ends, as clients are told it: a date, or a date and a time in UTC.",
    )
    windows_authentication_is_on: bool = Field(default=False, description="Told to clients, without effect here.")
    workflow_is_on: bool = Field(default=False, description="Told to clients, without effect here.")
    anonymous_access_is_on: bool = Field(default=False, description="Told to clients, without effect here.")
    compliance_module_is_on: bool = Field(default=False, description="Told to clients, without effect here.")


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


class ForwardedHeaders(Section):
    """Proxies in front of the server."""

    known_proxies: Networks = Field(
        default=(), description="Addresses or networks of proxies whose X-Forwarded-For, -Proto and -Host are believed."
    )


class Cors(Section):
    """Other sites whose pages may call the service from a browser (CONTRACT 2.7)."""

    allowed_origins: Origins = Field(
        default=(), description="Origins such as https://app.example.com, or * alone for any; none: CORS is off."
    )
    allow_credentials: bool = Field(
        default=False, description="Whether their pages may use the browser's ticket cookie. Never with *."
    )
    max_age: TimeSpan = Field(
        default=timedelta(minutes=10), description="How long a browser may remember that it may call."
    )

    @model_validator(mode="after")
    def _any_stands_alone(self) -> "Cors":
        if "*" in self.allowed_origins and len(self.allowed_origins) > 1:
            raise ValueError("must have * alone in AllowedOrigins, or origins without it")
        if "*" in self.allowed_origins and self.allow_credentials:
            raise ValueError("must name the origins in AllowedOrigins where AllowCredentials is on: * is any")
        return self


class Certificate(Section):
    """The server's certificate, for https addresses in Urls."""

    path: Text = Field(
        default="",
        description="The certificate with its chain, in PEM form (a relative path starts at the settings"
        " file's folder). A renewed file is taken up without a restart.",
    )
    key_path: Text = Field(default="", description="Its key, in PEM form; empty: in the same file.")
    password: SecretStr = Field(default=SecretStr(""), description="The key's password, if it has one.")


class Hsts(Section):
    """Strict transport security (RFC 6797)."""

    max_age: OptionalTimeSpan = Field(
        default=None,
        description="For how long browsers that came over TLS, here or at a known proxy, must come so again; null: not"
        " said.",
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
    max_bytes: int = Field(default=10_000_000, ge=10_000, description="A longer file is set aside as .1, .2 …")
    keep: int = Field(default=9, ge=0, le=1000, description="How many files that were set aside are kept.")


class Throttling(Section):
    """What failed logins cost (SECURITY 1.2). Nobody sleeps: a login that comes too early is refused."""

    failures: int = Field(
        default=5, ge=1, le=1000, description="Failed logins of an account in a row until it has to wait, at first 1 s."
    )
    longest_wait: TimeSpan = Field(
        default=timedelta(minutes=15), description="Each further failure doubles the wait, up to this."
    )
    forget_after: TimeSpan = Field(
        default=timedelta(hours=12), description="Time without a failure after which an account is free again."
    )
    disable_at: int = Field(
        default=100,
        ge=0,
        le=100_000,
        description="Failed logins in a row that disable a password until an operator sets a new one or disables and"
        " enables the user. 0: never.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Throttling":
        if self.forget_after <= self.longest_wait:
            raise ValueError("must have ForgetAfter above LongestWait, or waiting would be enough to be free again")
        if self.disable_at and self.disable_at < self.failures:
            raise ValueError("must have DisableAt at least as high as Failures, or 0 for never")
        return self

    failures_per_address: int = Field(
        default=30, ge=1, le=100_000, description="Failed logins that an address has at once."
    )
    seconds_per_failure: float = Field(
        default=3.0, ge=0.01, le=3600, description="The time after which an address has one more."
    )


class Passwords(Section):
    """The cost of a password's hash (argon2id). Not weaker than OWASP's minimum: SECURITY A1; caps: A2."""

    enough: ClassVar = ((19456, 2), (47104, 1), (12288, 3))
    memory_kib: int = Field(default=19456, alias="MemoryKiB", le=1048576, description="Memory of one hash, in KiB.")
    iterations: int = Field(default=2, le=20, description="Passes over the memory.")
    parallelism: int = Field(default=1, ge=1, le=16, description="Lanes.")

    @model_validator(mode="after")
    def _strong_enough(self) -> "Passwords":
        if not any(self.memory_kib >= memory and self.iterations >= passes for memory, passes in self.enough):
            raise ValueError("must have MemoryKiB and Iterations of at least 19456 and 2, 12288 and 3, or 47104 and 1")
        return self
