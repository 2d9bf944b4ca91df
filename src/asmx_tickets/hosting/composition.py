"""The one place where everything is built from the settings."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from asmx_tickets.asmx import AsmxEndpoint, Binding, wsdl
from asmx_tickets.asmx.operations import OperationTable
from asmx_tickets.authentication import Authentication, Languages, Policy
from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.demo import add_demo_users, demo_settings
from asmx_tickets.hosting.site import HostFilter, Proxies, Site
from asmx_tickets.service import NAME, PATH, Parts, ServerFacts, english_name, ticket_application
from asmx_tickets.settings import Settings
from asmx_tickets.tickets.cache import TicketCache
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.users.passwords import HashParameters, PasswordHasher
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.sql import SqlUserDirectory, open_directory


@dataclass(frozen=True, slots=True)
class Composition:
    """What was built, for whoever runs it."""

    settings: Settings
    site: Site
    directory: SqlUserDirectory
    tickets: TicketCache
    authentication: Authentication

    def close(self) -> None:
        """Let go of the stores."""
        self.directory.close()


def compose(
    settings: Settings,
    *,
    demo: bool = False,
    clock: Callable[[], float] = time.time,
    local_zone: tzinfo | None = None,
    passwords: PasswordHasher | None = None,
) -> Composition:
    """Build the service. With ``demo``: the demo's users and secrets, and nothing on disk (CONTRACT 3). What is given
    takes the place of what would be built.

    Raises SettingsError and Unavailable.
    """
    if demo:
        settings = demo_settings(settings)
    passwords = passwords or password_hasher(settings)
    directory = open_directory(settings.connection_strings.users.get_secret_value(), clock=clock)
    if demo:
        add_demo_users(directory, passwords)
    tickets = ticket_cache(settings, clock)
    authentication = Authentication(
        directory=directory,
        profiles=ProfileCache(directory),
        tickets=tickets,
        passwords=passwords,
        policy=_policy(settings),
        clock=clock,
    )
    parts = Parts(authentication, _facts(settings), clock, local_zone)
    for language in settings.languages.supported:
        english_name(language)
    return Composition(settings, _site(settings, parts), directory, tickets, authentication)


def password_hasher(settings: Settings) -> PasswordHasher:
    """The hasher with the settings' parameters."""
    cost = settings.passwords
    return PasswordHasher(HashParameters(cost.memory_kib, cost.iterations, cost.parallelism))


def ticket_cache(settings: Settings, clock: Callable[[], float]) -> TicketCache:
    """The ticket cache that ConnectionStrings:Tickets names. Raises SettingsError."""
    url = settings.connection_strings.tickets.get_secret_value()
    if url == "memory://":
        return MemoryTicketCache(sliding_expiration=settings.tickets.sliding_expiration.total_seconds(), clock=clock)
    raise SettingsError("ConnectionStrings:Tickets must be memory://")


def service_description(settings: Settings, address: str) -> bytes:
    """The WSDL for a service at ``address``, with the bindings that the settings switch on. Opens no store."""
    return wsdl.build(OperationTable(ticket_application(None)), NAME, address, _bindings(settings))


def _site(settings: Settings, parts: Parts) -> Site:
    return Site(
        AsmxEndpoint(ticket_application(parts), PATH, _bindings(settings)),
        path_base=settings.path_base,
        hosts=HostFilter(tuple(settings.allowed_hosts.split(";"))),
        proxies=Proxies(tuple(settings.forwarded_headers.known_proxies)),
    )


def _bindings(settings: Settings) -> frozenset[Binding]:
    return frozenset(Binding(name) for name in settings.web_services.protocols)


def _policy(settings: Settings) -> Policy:
    trusted = settings.trusted_user_pwd.get_secret_value()
    return Policy(
        languages=Languages(settings.languages.supported, settings.languages.default),
        sysadmin_name=settings.sysadmin_account_name,
        trusted_passwords=(trusted,) if trusted else (),
    )


def _facts(settings: Settings) -> ServerFacts:
    info = settings.server_info
    return ServerFacts(
        version_number=info.version_number,
        company=info.company,
        server_name=info.server_name,
        license_count=str(info.license_count),
        subscription_end_date=info.subscription_end_date,
        windows_authentication=_lower(info.windows_authentication_is_on),
        workflow=_lower(info.workflow_is_on),
        anonymous_access=_lower(info.anonymous_access_is_on),
        compliance_module=_lower(info.compliance_module_is_on),
    )


def _lower(value: bool) -> str:
    return "true" if value else "false"
