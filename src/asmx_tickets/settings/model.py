"""The settings as a whole, and how they are loaded (CONTRACT 3). Their sections are in sections.py."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, PrivateAttr, SecretStr, ValidationInfo, field_validator
from pydantic.alias_generators import to_pascal
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from asmx_tickets.access.accounts import AccountRules
from asmx_tickets.errors import SettingsError
from asmx_tickets.networks import Network
from asmx_tickets.settings import aspnet, secret_files
from asmx_tickets.settings import layers as configuration
from asmx_tickets.settings.http_sections import Certificate, Cors, ForwardAuth, ForwardedHeaders, Hsts, WebServices
from asmx_tickets.settings.layers import CommonWord, Key
from asmx_tickets.settings.sections import (
    STDOUT,
    Admin,
    Audit,
    ConnectionStrings,
    LanguageSettings,
    Logging,
    Metrics,
    Passwords,
    ServerInfo,
    Shutdown,
    Throttling,
    Tickets,
)
from asmx_tickets.settings.types import (
    AccountName,
    AllowedHosts,
    ConnectionString,
    ListenAddress,
    Networks,
    PathBase,
    TrustedUserPwds,
    UrlsValue,
    short_secrets,
)
from asmx_tickets.users.password_policy import PasswordPolicy

_PREFIX = "ASMX_TICKETS__"
"""A variable with this prefix is certainly meant for this program."""


class AtStart:
    """Marks, in an Annotated, a key or section that only a restart changes."""


class Settings(BaseSettings):
    """All settings. ``Settings()`` has the defaults and reads nothing; ``load_settings`` reads the sources."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, populate_by_name=True, hide_input_in_errors=True
    )

    urls: Annotated[UrlsValue, AtStart()] = Field(
        default=(ListenAddress("127.0.0.1", 8080),),
        description="Where the server listens: http or https, an IP address, localhost or *. Semicolons separate more"
        " than one.",
    )
    path_base: PathBase = Field(
        default="", description="The path below which the service is served, such as /InfoRouter; empty for the root."
    )
    allowed_hosts: AllowedHosts = Field(
        default="*",
        description="Host names that are answered, separated by semicolons: *.example.com for subdomains, * for any.",
    )
    trusted_user_networks: Networks = Field(
        default=(), description="Addresses or networks that may call CreateTicketforUser; none named: all."
    )
    trusted_user_pwd: TrustedUserPwds = Field(
        default=(),
        description="The shared secret of CreateTicketforUser; empty switches it off. A list while it is being changed:"
        " each counts. 22 characters or more; 12 will do where TrustedUserNetworks are named.",
    )
    sysadmin_account_name: AccountName = Field(
        default="sysadmin", description="The account that never gets a ticket; empty names nobody."
    )
    connection_strings: Annotated[ConnectionStrings, AtStart()] = ConnectionStrings()
    workers: Annotated[int, CommonWord(), AtStart()] = Field(
        default=1, ge=1, le=256, description="Server processes. More than one need a ticket cache that they can share."
    )
    tickets: Annotated[Tickets, AtStart()] = Tickets()
    languages: LanguageSettings = LanguageSettings()
    web_services: WebServices = WebServices()
    server_info: ServerInfo = ServerInfo()
    logging: Logging = Logging()
    forwarded_headers: ForwardedHeaders = ForwardedHeaders()
    passwords: Passwords = Passwords()
    throttling: Throttling = Throttling()
    audit: Annotated[Audit, AtStart()] = Audit()
    admin: Annotated[Admin, AtStart()] = Admin()
    certificate: Certificate = Certificate()
    cors: Cors = Cors()
    forward_auth: ForwardAuth = ForwardAuth()
    hsts: Hsts = Hsts()
    shutdown: Shutdown = Shutdown()
    metrics: Annotated[Metrics, AtStart()] = Metrics()

    @field_validator("trusted_user_pwd")
    @classmethod
    def _bind_short_secrets(cls, secrets: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        networks = info.data.get("trusted_user_networks")
        if networks is not None and short_secrets(secrets) and not _names_some(networks):
            raise ValueError(
                "must have at least 22 random characters, or 12 where TrustedUserNetworks names the networks that may"
                " use it; `openssl rand -hex 16` makes some"
            )
        return secrets

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

    @field_validator("metrics")
    @classmethod
    def _listen_apart(cls, metrics: Metrics, info: ValidationInfo) -> Metrics:
        if metrics.listen and any(metrics.listen.overlaps(address) for address in info.data.get("urls", ())):
            raise ValueError("must have an address of its own in Listen, not one of Urls")
        return metrics

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each key's value came from: ``default``, a file's name, ``environment`` or ``command line``."""
        leaves = (key.path for key in configuration.keys_of(type(self)) if "section" not in key.kind)
        return dict.fromkeys(leaves, "default") | self._sources

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should correct, one line each. None of it stops the start."""
        return self._warnings

    def account_rules(self) -> AccountRules:
        """The rules for what operators store in accounts."""
        policy = PasswordPolicy(self.passwords.min_length)
        return AccountRules(policy, self.languages.languages(), sysadmin_name=self.sysadmin_account_name)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: the sources are ASP.NET's, see layers.py."""
        return (init_settings,)


def load_settings(
    file: Path | None = None,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    """Read the settings from all their sources (CONTRACT 3).

    Without ``file``, ``appsettings.json`` in the working directory is read if there is one. ``environ`` is the
    process's environment; what counts of it, and of ASP.NET's own keys in a file, aspnet.py says.
    ``overrides`` are keys given on the command line (``{"Urls": "http://*:80"}``).

    Raises SettingsError, with one line that names the key, where it came from and what is wrong, and shows no secret.
    """
    base = file or Path("appsettings.json")
    keys = list(configuration.keys_of(Settings))
    layers, unread = _layers(base, file is None, keys, environ)
    settings, entries = configuration.bind(Settings, [*layers, configuration.command_line_layer(overrides)])
    connections = settings.connection_strings
    trusted = settings.trusted_user_pwd
    secrets: dict[str, SecretStr | ConnectionString] = {
        **{path: secret for number, secret in enumerate(trusted) for path in _paths("TrustedUserPwd", number)},
        "ConnectionStrings:Users": connections.users,
        "ConnectionStrings:Tickets": connections.tickets,
    }
    loaded = _at_home(settings, base)
    _refuse_one_file_for_two_things(_files(base, environ), loaded)
    loaded._sources = _sources(entries)
    loaded._warnings = (*unread, *_open_secrets(entries, secrets), *_short_secrets(settings))
    return loaded


def _files(base: Path, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The settings file, and that of the environment beside it."""
    return base, base.parent / f"appsettings.{aspnet.environment_name(environ)}.json"


def _layers(
    base: Path, optional: bool, keys: list[Key], environ: Mapping[str, str]
) -> tuple[list[configuration.Layer], list[str]]:
    """The files' and the environment's layers, lowest first; and what is not read of them, a line for people each."""
    base, named = _files(base, environ)
    files = [configuration.file_layer(base, optional=optional), configuration.file_layer(named, optional=True)]
    read, unread = zip(*(aspnet.adopted(layer, keys) for layer in files), strict=True)
    layers = [
        aspnet.port_layer(environ),
        *read,
        secret_files.credentials_layer(environ, keys),
        *aspnet.host_layers(environ, keys),
        configuration.environment_layer(environ, keys),
        configuration.environment_layer(environ, keys, prefix=_PREFIX),
    ]
    folder = base.absolute().parent
    return [secret_files.with_secret_files(layer, keys, folder) for layer in layers], [
        *(line for lines in unread for line in lines),
        *_overlooked(keys, environ),
    ]


def _overlooked(keys: list[Key], environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable that may be meant for this server or for another program."""
    common = {key.path.casefold(): key.path for key in keys if key.common}
    for name in environ:
        path = common.get(name.casefold())
        if path not in {None, name}:
            yield f"environment variable {name} is another program's; for this one it is {_PREFIX}{name} or {path}"


def _at_home(settings: Settings, base: Path) -> Settings:
    """The settings with every relative path starting at the settings file's folder. Raises SettingsError."""
    folder = base.absolute().parent
    stores, tickets, audit = settings.connection_strings, settings.tickets, settings.audit
    stores = stores.model_copy(update={"users": _anchored(stores.users, folder)})
    if tickets.persist_to:
        tickets = tickets.model_copy(update={"persist_to": str(folder / tickets.persist_to)})
    certificate = settings.certificate
    certificate = certificate.model_copy(
        update={name: str(folder / path) for name in ("path", "key_path") if (path := getattr(certificate, name))}
    )
    if audit.to not in {"", STDOUT}:
        audit = audit.model_copy(update={"to": str(folder / audit.to)})
    admin = settings.admin
    if admin.socket:
        admin = admin.model_copy(update={"socket": str(folder / admin.socket)})
    return settings.model_copy(
        update={
            "connection_strings": stores,
            "tickets": tickets,
            "audit": audit,
            "certificate": certificate,
            "admin": admin,
        }
    )


def _refuse_one_file_for_two_things(read: tuple[Path, ...], settings: Settings) -> None:
    """Each would spoil what the other one keeps. Raises SettingsError."""
    persist_to, socket = settings.tickets.persist_to, settings.admin.socket
    log = settings.audit.to if settings.audit.to != STDOUT else ""
    files = {
        "the settings": [str(file.absolute()) for file in read],
        "Certificate:Path": [file for file in (settings.certificate.path, settings.certificate.key_path) if file],
        "ConnectionStrings:Users": settings.connection_strings.user_files(),
        "Audit:To": [log, str(settings.audit.refusals)] if log else [],
        "Tickets:PersistTo": [f"{persist_to}{end}" for end in ("", ".lock") if persist_to],
        "Admin:Socket": [f"{socket}{end}" for end in ("", ".lock") if socket],
    }
    owners: dict[str, str] = {}
    for key, names in files.items():
        for name in names:
            owner = owners.setdefault(os.path.realpath(name), key)
            if owner != key:
                raise SettingsError(f"{key} must be a file of its own, not that of {owner}")


def _paths(key: str, number: int) -> tuple[str, ...]:
    """Where an item of a list can stand: at its number, and the first one also alone."""
    return (f"{key}:{number}", key) if number == 0 else (f"{key}:{number}",)


def _names_some(networks: tuple[Network, ...]) -> bool:
    """Whether networks are named, and none of them contains all addresses."""
    return bool(networks) and all(network.prefixlen for network in networks)


def _short_secrets(settings: Settings) -> Iterator[str]:
    if short_secrets(settings.trusted_user_pwd):
        yield (
            "TrustedUserPwd has less than 22 characters, so only TrustedUserNetworks keep others from guessing it:"
            " change it where you can, to what openssl rand -hex 16 makes"
        )


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
    """The source of each key; for a list, all sources that contributed to it."""
    sources: dict[str, str] = {}
    for path, entry in entries.items():
        key = re.sub(r":[0-9]+$", "", path)
        known = sources.get(key)
        sources[key] = entry.source if known in {None, entry.source} else f"{known}, {entry.source}"
    return sources
