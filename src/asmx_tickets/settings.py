"""Every setting: its key, type, default and meaning (CONTRACT 3), and how the settings are loaded."""

import os
import re
import socket
import stat
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from asmx_tickets import configuration
from asmx_tickets.errors import SettingsError
from asmx_tickets.setting_types import (
    AllowedHosts,
    ConnectionString,
    KeyPrefix,
    LanguageCodes,
    Level,
    ListenAddress,
    Networks,
    OptionalTimeSpan,
    PathBase,
    ProtocolName,
    Protocols,
    Text,
    TicketsUrl,
    TimeSpan,
    TrustedUserPwds,
    UrlsValue,
    UsersUrl,
)

STDOUT = "stdout"


class Section(BaseModel):
    """Keys below a common name. Python names are in snake_case, keys in PascalCase."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal, populate_by_name=True)


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


class ServerInfo(Section):
    """What the operation ServerInfo says (CONTRACT 1)."""

    company: Text = Field(default="", description="The licensee's name.")
    license_count: int = Field(default=0, ge=0, description="The number of licensed users.")
    server_name: Text = Field(
        default_factory=socket.gethostname, description="The server's name; the machine's by default."
    )
    version_number: Text = Field(default="8.7.0.0", description="The version clients are told.")
    subscription_end_date: Text = Field(default="", description="The subscription's last day, as clients are told it.")
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


class Settings(BaseSettings):
    """All settings. ``Settings()`` has the defaults and reads nothing; ``load_settings`` reads the sources."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal, populate_by_name=True)

    urls: UrlsValue = Field(
        default=ListenAddress("127.0.0.1", 8080), description="Where the server listens: an IP address, localhost or *."
    )
    path_base: PathBase = Field(
        default="", description="The path below which the service is served, such as /InfoRouter; empty for the root."
    )
    allowed_hosts: AllowedHosts = Field(
        default="*",
        description="Host names that are answered, separated by semicolons: *.example.com for subdomains, * for any.",
    )
    trusted_user_pwd: TrustedUserPwds = Field(
        default=(),
        description="The shared secret of CreateTicketforUser; empty switches it off. A list while it is being changed:"
        " each counts.",
    )
    trusted_user_networks: Networks = Field(
        default=(), description="Addresses or networks that may call CreateTicketforUser; none named: all."
    )
    sysadmin_account_name: Text = Field(
        default="sysadmin", description="The account that never gets a ticket; empty names nobody."
    )
    connection_strings: ConnectionStrings = ConnectionStrings()
    workers: int = Field(
        default=1, ge=1, le=256, description="Server processes. More than one need a ticket cache that they can share."
    )
    tickets: Tickets = Tickets()
    languages: Languages = Languages()
    web_services: WebServices = WebServices()
    server_info: ServerInfo = ServerInfo()
    logging: Logging = Logging()
    forwarded_headers: ForwardedHeaders = ForwardedHeaders()
    passwords: Passwords = Passwords()
    throttling: Throttling = Throttling()
    audit: Audit = Audit()

    @field_validator("tickets")
    @classmethod
    def _persist_what_is_ours(cls, tickets: Tickets, info: ValidationInfo) -> Tickets:
        stores = info.data.get("connection_strings", ConnectionStrings())
        if tickets.persist_to and stores.tickets_are_shared:
            raise ValueError("must have PersistTo empty with tickets in Redis, which keeps them from a stop to a start")
        return tickets

    @field_validator("workers")
    @classmethod
    def _share_tickets(cls, workers: int, info: ValidationInfo) -> int:
        stores = info.data.get("connection_strings", ConnectionStrings())
        if workers > 1 and not stores.tickets_are_shared:
            raise ValueError(
                "must be 1 with ConnectionStrings:Tickets memory://, which lives in one process; for more, name a Redis"
                " there, such as redis://127.0.0.1:6379/0"
            )
        return workers

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each key's value came from: ``default``, a file's name, ``environment`` or ``command line``."""
        leaves = (key.path for key in configuration.keys_of(type(self)) if "section" not in key.kind)
        return dict.fromkeys(leaves, "default") | self._sources

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should mend, a line each; none of it stops the start."""
        return self._warnings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: the sources' order is ASP.NET's, see configuration.py."""
        return (init_settings,)


def load_settings(
    file: Path | None = None,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    """Read the settings from all their sources (CONTRACT 3).

    Without ``file``, ``appsettings.json`` in the working directory is read if there is one. ``environ`` is the
    process's environment; as in ASP.NET, ``ASPNETCORE_ENVIRONMENT`` is ``Production`` where it is not set.
    ``overrides`` are keys given on the command line (``{"Urls": "http://*:80"}``).

    Raises SettingsError, with one line that names the key, where it came from and what is wrong, and shows no secret.
    """
    environment = environ.get("ASPNETCORE_ENVIRONMENT") or "Production"
    if not re.fullmatch(r"[\w-]+", environment):
        raise SettingsError("ASPNETCORE_ENVIRONMENT must be a name such as Production")
    base = file or Path("appsettings.json")
    settings, entries = configuration.bind(
        Settings,
        [
            configuration.file_layer(base, optional=file is None),
            configuration.file_layer(base.with_name(f"appsettings.{environment}.json"), optional=True),
            configuration.environment_layer(environ, configuration.keys_of(Settings)),
            configuration.command_line_layer(overrides),
        ],
    )
    connections = settings.connection_strings
    trusted = settings.trusted_user_pwd
    secrets: dict[str, SecretStr | ConnectionString] = {
        **{path: secret for number, secret in enumerate(trusted) for path in _paths("TrustedUserPwd", number)},
        "ConnectionStrings:Users": connections.users,
        "ConnectionStrings:Tickets": connections.tickets,
    }
    anchored = connections.model_copy(update={"users": _anchored(connections.users, base.absolute().parent)})
    folder = base.absolute().parent
    tickets, audit = settings.tickets, settings.audit
    if tickets.persist_to:
        tickets = tickets.model_copy(update={"persist_to": str(folder / tickets.persist_to)})
    if audit.to not in {"", STDOUT}:
        audit = audit.model_copy(update={"to": str(folder / audit.to)})
    _refuse_one_file_for_two_things(base, anchored, tickets, audit)
    loaded = settings.model_copy(update={"connection_strings": anchored, "tickets": tickets, "audit": audit})
    loaded._sources = _sources(entries)
    loaded._warnings = tuple(_open_secrets(entries, secrets))
    return loaded


def _refuse_one_file_for_two_things(base: Path, stores: ConnectionStrings, tickets: Tickets, audit: Audit) -> None:
    files = {
        "the settings file": str(base.absolute()),
        "ConnectionStrings:Users": stores.users.get_secret_value().partition(":///")[2],
        "Audit:To": audit.to,
    }
    for name, file in files.items():
        if tickets.persist_to and os.path.normpath(tickets.persist_to) == os.path.normpath(file):
            raise SettingsError(f"Tickets:PersistTo must be a file of its own, not that of {name}")


def _paths(key: str, number: int) -> tuple[str, ...]:
    """Where an item of a list can stand: at its number, and the first one also alone."""
    return (f"{key}:{number}", key) if number == 0 else (f"{key}:{number}",)


def _open_secrets(entries: configuration.Layer, secrets: Mapping[str, SecretStr | ConnectionString]) -> Iterator[str]:
    """SECURITY C2: a file with a secret in it should not be readable by everybody on the machine.

    No more than a warning comes of it: files that a container mounts are, and nobody but the service is in there.
    """
    for path, secret in secrets.items():
        file = entries[path].file if path in entries else None
        holds_secret = str(secret) != secret.get_secret_value()
        if file is not None and holds_secret and os.name == "posix" and file.stat().st_mode & stat.S_IROTH:
            yield f"{path} is a secret and {file} can be read by everybody: chmod o-r {file}"


def _anchored(users: ConnectionString, folder: Path) -> ConnectionString:
    """A relative SQLite path starts at the settings file's folder."""
    scheme, _, rest = users.get_secret_value().partition(":///")
    if scheme != "sqlite" or not rest or rest.startswith(("/", ":memory:", "?")) or Path(rest).is_absolute():
        return users
    in_url = str(folder).replace("%", "%25").replace("?", "%3F")
    return ConnectionString(f"sqlite:///{in_url}/{rest}")


def _sources(entries: configuration.Layer) -> dict[str, str]:
    """The source of each key; of a list, all that had a part in it."""
    sources: dict[str, str] = {}
    for path, entry in entries.items():
        key = re.sub(r":[0-9]+$", "", path)
        known = sources.get(key)
        sources[key] = entry.source if known in {None, entry.source} else f"{known}, {entry.source}"
    return sources
