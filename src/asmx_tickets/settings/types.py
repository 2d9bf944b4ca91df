"""The types of the settings' values: how they are read from text, checked, and written as text."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, Secret, SecretStr

from asmx_tickets.networks import Network
from asmx_tickets.settings.layers import OneOrMore, SingleValue

T = TypeVar("T")
ProtocolName = Literal["HttpSoap", "HttpSoap12", "HttpGet", "HttpPost", "Documentation"]
LevelName = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"]

_TIMESPAN = re.compile(
    r"(?:(?P<days>[0-9]{1,5})\.)?(?P<hours>[0-9]{1,2}):(?P<minutes>[0-9]{1,2}):(?P<seconds>[0-9]{1,2})(?:\.(?P<fraction>[0-9]{1,7}))?"
)
_LONGEST_TIMESPAN = timedelta(days=36500)  # Later ends would leave the calendar, which stops at the year 9999.
_HOST_PATTERN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_PATH_BASE = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_TAKEN_PATHS = frozenset({"/healthz", "/readyz", "/srv.asmx"})
_ORIGIN = re.compile(r"https?://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORT = re.compile(r"https:.*:443|http:.*:80")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-([A-Za-z]{2}|[0-9]{3}))?")
# What XML 1.0 can't hold: these settings are shown in answers.
_NOT_IN_XML = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_URL_PASSWORD = re.compile(r"(?<=://)([^:/?]*):((?s:.*))@|(?<=[?&])((?i:[a-z_]*password)=)[^&]*")
# Placeholders in documentation, which somebody may have forgotten to replace.
_EXAMPLE = re.compile(
    r"example|placeholder|change.?me|replace.?(me|with|this)|your.?(own|secret|pass|value|trusted)|insert|todo|<.*>"
    r"|MyServerSecret|TrustedUserPwd",
    re.IGNORECASE,
)
# The profile of ISO 8601 that XML Schema has; Python reads more, such as weeks.
_UTC_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_LONG_SECRET, _SHORTEST_SECRET = 22, 12
_KEY_PREFIX = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_TICKET_STORES = {"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"}
_USER_STORES = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class ConnectionString(Secret[str]):
    """A URL that may hold a password: shown with ``****`` in its place."""

    def _display(self) -> str:
        return mask_password(self.get_secret_value())


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the server listens. ``host`` is an IP address, IPv6 without brackets, ``localhost`` or ``*`` (all IPv4).

    ``scheme`` is http or https.
    """

    host: str
    port: int
    scheme: str = "http"

    @property
    def bind_host(self) -> str:
        """The IP address to bind to."""
        return {"*": "0.0.0.0", "localhost": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104

    @property
    def is_loopback(self) -> bool:
        """Whether it can be reached from this machine only."""
        return ipaddress.ip_address(self.bind_host).is_loopback

    def overlaps(self, other: "ListenAddress") -> bool:
        """Whether both can't be listened on at once. IPv6 addresses are never those of IPv4."""
        mine, its = ipaddress.ip_address(self.bind_host), ipaddress.ip_address(other.bind_host)
        same = mine == its or mine.is_unspecified or its.is_unspecified
        return self.port == other.port and mine.version == its.version and same

    @property
    def local_url(self) -> str:
        """The URL under which this machine reaches it."""
        listens_everywhere = ipaddress.ip_address(self.bind_host).is_unspecified
        return str(ListenAddress("localhost", self.port, self.scheme) if listens_everywhere else self)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def mask_password(url: str) -> str:
    """The URL with ``****`` for the password, in front of the host as well as among the options."""
    return _URL_PASSWORD.sub(lambda found: f"{found[3]}****" if found[3] else f"{found[1]}:****@", url)


def parse_timespan(text: str) -> timedelta:
    """Read .NET's ``[d.]hh:mm:ss[.fffffff]``. Raises ValueError when it is none, or not longer than zero.

    Hours go to 23: .NET reads ``24:00:00`` as 24 days, which nobody means. A seventh digit of the fraction is dropped.
    """
    found = _TIMESPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be a time span as d.hh:mm:ss, such as 30.00:00:00")
    days, hours, minutes, seconds = (int(found[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("must be a time span as d.hh:mm:ss, with hours to 23 and minutes and seconds to 59")
    microseconds = int((found["fraction"] or "").ljust(6, "0")[:6])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    if not timedelta(0) < span <= _LONGEST_TIMESPAN:
        raise ValueError(f"must be longer than zero and at most {format_timespan(_LONGEST_TIMESPAN)}")
    return span


def format_timespan(span: timedelta) -> str:
    """Write a positive time span as .NET does: ``d.hh:mm:ss``, days and fraction only where there are any."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06d}0" if span.microseconds else ""
    return f"{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"


def parse_urls(text: str) -> tuple[ListenAddress, ...]:
    """Read ``Urls``: http:// or https:// URLs separated by semicolons. Raises ValueError for all else."""
    addresses = tuple(parse_url(part) for part in text.split(";") if part.strip())
    if not addresses:
        raise ValueError("must be a URL such as http://127.0.0.1:8080")
    if any(one.overlaps(other) for one, other in combinations(addresses, 2)):
        raise ValueError("must not name an address twice (* and [::] are all of them)")
    return addresses


def parse_url(text: str) -> ListenAddress:
    """Read one URL of an IP address, ``localhost`` or ``*``. Raises ValueError for all else."""
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname or "", url.port
    except ValueError:
        raise ValueError("must be a URL such as http://127.0.0.1:8080") from None
    if url.scheme not in {"http", "https"} or url.username is not None or url.query or url.fragment:
        raise ValueError("must be a URL such as http://127.0.0.1:8080")
    if url.path not in {"", "/"}:
        raise ValueError("must be a URL without a path; the path belongs into PathBase")
    if port == 0:
        raise ValueError("must be a URL with a port from 1 to 65535")
    host = "*" if host in {"*", "+"} else host
    if host not in {"*", "localhost"}:
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            raise ValueError("must have an IP address, localhost or * for its host") from None
    return ListenAddress(host, {"http": 80, "https": 443}[url.scheme] if port is None else port, url.scheme)


def _plain_address(text: str) -> ListenAddress:
    """Read an address without TLS; http:// may be left out."""
    address = parse_url(text if "://" in text else f"http://{text}")
    if address.scheme != "http":
        raise ValueError("must be an http:// address: what it tells is for this machine or network alone")
    return address


def _from_text(parse: Callable[[str], T]) -> BeforeValidator:
    """A parser for values that come as text; a value that is built already is let through."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _one_of(names: Any) -> BeforeValidator:
    """Accepts a name in any letter case, as .NET does for its enums."""
    exact = {name.casefold(): name for name in get_args(names)}
    return _from_text(lambda text: exact.get(text.casefold(), text))


def _text(value: str) -> str:
    if _NOT_IN_XML.search(value):
        raise ValueError("must be without control characters")
    return value


def _utc_time(value: str) -> str:
    """A date, or a date and a time in UTC, for ServerInfo. A date alone means its last second."""
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text if _UTC_TIME.fullmatch(text) else "")
        if "T" not in text:
            moment = moment.replace(hour=23, minute=59, second=59)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date such as 2030-12-31, or a time in UTC such as 2030-12-31T23:59:59Z") from None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _path_base(value: str) -> str:
    base = value.rstrip("/")
    if not _PATH_BASE.fullmatch(base):
        raise ValueError("must be empty or a path such as /InfoRouter, of letters, digits and . _ ~ -")
    return base


def _auth_path(value: str) -> str:
    if value and (not _PATH_BASE.fullmatch(value) or value.lower() in _TAKEN_PATHS):
        raise ValueError("must be empty or a path of its own such as /auth, of letters, digits and . _ ~ -")
    return value


def _allowed_hosts(value: str) -> str:
    patterns = [pattern.strip().lower() for pattern in value.split(";") if pattern.strip()]
    if not patterns or not all(pattern == "*" or _HOST_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise ValueError("must be * or host names without port, such as example.com;*.example.com")
    return ";".join(patterns)


def _trusted_user_pwds(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """SECURITY B6: at least 128 random bits, which are 22 characters of base64 or 32 hexadecimal digits.

    One that is shorter, and is compiled into programs, can do where few can try it: see ``short_secrets``.
    """
    for secret in secrets:
        value = secret.get_secret_value()
        if len(value) < _SHORTEST_SECRET or len(set(value)) < 8:
            raise ValueError("must be empty (off) or at least 22 random characters; `openssl rand -hex 16` makes some")
        if _EXAMPLE.search(value):
            raise ValueError("must be no example; `openssl rand -hex 16` makes a random value")
    return secrets


def short_secrets(secrets: tuple[SecretStr, ...]) -> bool:
    """Whether one of them has fewer than 128 random bits, and so must be bound to networks."""
    return any(len(secret.get_secret_value()) < _LONG_SECRET for secret in secrets)


def _listed(value: Any) -> Any:
    """A single value becomes a list with one item, and an empty text an empty list."""
    if isinstance(value, str):
        return (value,) if value else ()
    return value


def _split(value: Any) -> Any:
    """A text becomes the list of its parts between semicolons."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return value


def _origin(value: str) -> str:
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise ValueError("must be an origin such as https://app.example.com, without a path, or * alone")
    if _DEFAULT_PORT.fullmatch(value):
        raise ValueError("must leave out the default port, as browsers do")
    return value


def _show_secrets(secrets: tuple[SecretStr, ...]) -> str | list[str]:
    return ["****"] * len(secrets) if len(secrets) > 1 else "****" * len(secrets)


def _users_url(url: ConnectionString) -> ConnectionString:
    scheme, _, rest = url.get_secret_value().partition("://")
    store = _USER_STORES.get(scheme)
    if store is None:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if store == "sqlite" and rest and not rest.startswith("/"):
        raise ValueError("must have three slashes before a relative SQLite path: sqlite:///App_Data/users.db")
    return ConnectionString(f"{store}://{rest}")


def _tickets_url(url: ConnectionString) -> ConnectionString:
    text = url.get_secret_value()
    scheme, _, rest = text.partition("://")
    if text != "memory://" and (scheme not in _TICKET_STORES or not rest):
        raise ValueError("must be memory:// or a redis://, rediss://, unix:// or redis+sentinel:// URL")
    return url


def _key_prefix(value: str) -> str:
    if not _KEY_PREFIX.fullmatch(value):
        raise ValueError("must be 1 to 100 letters, digits and . _ : - such as asmx-tickets:")
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("must be a language code such as en or pt-BR")
    return value


def _set_of(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("must name at least one")
    if len({value.casefold() for value in values}) != len(values):
        raise ValueError("must not name anything twice")
    return values


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError("must be an IP address or a network such as 10.0.0.0/8") from None


def _network_text(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


Text = Annotated[str, AfterValidator(_text)]
AccountName = Annotated[Text, AfterValidator(str.strip)]
UrlsValue = Annotated[
    tuple[ListenAddress, ...],
    SingleValue(),
    _from_text(parse_urls),
    PlainSerializer(lambda urls: ";".join(map(str, urls)), when_used="json"),
]
OptionalAddress = Annotated[
    ListenAddress | None,
    _from_text(lambda text: _plain_address(text) if text else None),
    PlainSerializer(lambda address: address and str(address), when_used="json"),
]
UtcTime = Annotated[str, AfterValidator(_utc_time)]
PathBase = Annotated[str, AfterValidator(_path_base)]
AuthPath = Annotated[str, AfterValidator(_auth_path)]
AllowedHosts = Annotated[str, AfterValidator(_allowed_hosts)]
TrustedUserPwds = Annotated[
    tuple[SecretStr, ...],
    OneOrMore(),
    BeforeValidator(_listed),
    AfterValidator(_trusted_user_pwds),
    PlainSerializer(_show_secrets, when_used="json"),
]
UsersUrl = Annotated[ConnectionString, AfterValidator(_users_url)]
TicketsUrl = Annotated[ConnectionString, AfterValidator(_tickets_url)]
TimeSpan = Annotated[timedelta, _from_text(parse_timespan), PlainSerializer(format_timespan, when_used="json")]
OptionalTimeSpan = Annotated[TimeSpan | None, _from_text(lambda text: text or None)]
KeyPrefix = Annotated[str, AfterValidator(_key_prefix)]
LanguageCodes = Annotated[
    tuple[Annotated[str, AfterValidator(_language)], ...],
    OneOrMore(),
    BeforeValidator(_split),
    AfterValidator(_set_of),
]
Protocols = Annotated[
    tuple[Annotated[ProtocolName, _one_of(ProtocolName)], ...],
    OneOrMore(),
    BeforeValidator(_split),
    AfterValidator(_set_of),
]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], OneOrMore(), BeforeValidator(_split)]
RootElementName = Annotated[Literal["root", "response"], _one_of(Literal["root", "response"])]
LogFormat = Annotated[Literal["text", "json"], _one_of(Literal["text", "json"])]
Level = Annotated[LevelName, _one_of(LevelName)]
Networks = Annotated[
    tuple[Annotated[Network, _from_text(_network), PlainSerializer(_network_text, when_used="json")], ...],
    OneOrMore(),
    BeforeValidator(_split),
]
