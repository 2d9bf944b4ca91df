"""The one place where everything is built from the settings."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from asmx_tickets.access.authentication import Authentication
from asmx_tickets.access.logon import Logons
from asmx_tickets.access.policy import Policy
from asmx_tickets.audit import AuditLog, CooperativeAudit, MergingAudit
from asmx_tickets.clock import BelievedClock
from asmx_tickets.errors import Unavailable
from asmx_tickets.examples import examples
from asmx_tickets.hosting.admin import Command
from asmx_tickets.hosting.administration import Status, StoreAdministration, commands
from asmx_tickets.hosting.cors import Cors
from asmx_tickets.hosting.demo import add_demo_users, demo_settings
from asmx_tickets.hosting.figures import CountingAudit, Figures
from asmx_tickets.hosting.forward_auth import ForwardAuth
from asmx_tickets.hosting.health import Health
from asmx_tickets.hosting.proxies import Proxies
from asmx_tickets.hosting.site import HostFilter, Site
from asmx_tickets.hosting.stores import Stores, audit_log, open_stores, password_hasher
from asmx_tickets.language_names import english_name
from asmx_tickets.presence import Presence
from asmx_tickets.recurring import Recurring
from asmx_tickets.service import LIMITS, NAME, PATH, Parts, ticket_application
from asmx_tickets.settings.model import Settings
from asmx_tickets.throttling import network_of
from asmx_tickets.tickets.cache import TicketCache
from asmx_tickets.users.cooperative import CooperativeDirectory
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.source import UserSource, open_source
from asmx_tickets.waiting import Lane, in_thread
from spyne_asmx import AsmxEndpoint, Binding, Limits, OperationTable, Pages, build_wsdl

if TYPE_CHECKING:
    from asmx_tickets.hosting.metrics import Metrics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Foundation:
    """The parts that live as long as the process, across reloads of the settings."""

    users: UserSource
    stores: Stores
    audit: AuditLog
    clock: Callable[[], float]
    local_zone: tzinfo | None
    passwords: PasswordHasher | None
    figures: Figures
    metrics: "Metrics | None"
    presences: Mapping[str, Presence]
    """Of the stores that can be gone, by the names of ``checks``."""
    recurring: Recurring

    @property
    def checks(self) -> dict[str, Callable[[], object]]:
        """A check for each store, by the name that people know it by."""
        return {"users": partial(self.users.directory.get, 0), "audit": self.audit.check, **self.stores.checks}

    def ask_whether_back(self) -> None:
        """Ask the stores that are gone, which nobody else may do for hours. Raises Unavailable."""
        for name, presence in self.presences.items():
            if presence.is_gone:
                in_thread(Lane.HEALTH, self.checks[name])


@dataclass(frozen=True, slots=True)
class Composition:
    """The built service, for the worker that runs it."""

    settings: Settings
    site: Site
    authentication: Authentication
    foundation: Foundation
    commands: Mapping[str, Command]
    """The commands of the admin socket, by name."""

    @property
    def directory(self) -> UserDirectory:
        """The users."""
        return self.foundation.users.directory

    @property
    def tickets(self) -> TicketCache:
        """The live tickets."""
        return self.foundation.stores.tickets

    def warnings(self) -> tuple[str, ...]:
        """What an operator should mend in the stores, a line each; a store that does not answer is one of them."""
        return (*self._user_warnings(), *self.foundation.stores.warnings())

    def _user_warnings(self) -> tuple[str, ...]:
        name = self.settings.sysadmin_account_name
        try:
            warnings = self.directory.warnings()
            if not name or self.directory.find(name) is not None:
                return warnings
        except Unavailable as error:
            return (str(error),)
        missing = f"SysadminAccountName names {name!r}, and there is no such user: correct it, or add the user"
        return (missing, *warnings)

    def with_settings(self, settings: Settings) -> "Composition":
        """New rules and a new site on the same stores, where no ticket ends. Raises SettingsError."""
        return build_upon(self.foundation, settings)

    def keep_throttling_rules(self) -> None:
        """Throttle by these settings from now on, with what is counted already."""
        self.foundation.stores.throttles.logins.keep(self.settings.throttling.rules())

    def load_tickets(self) -> None:
        """Take over the tickets that the last run left behind (Tickets:PersistTo)."""
        self.foundation.stores.start()

    def tend(self) -> None:
        """Do the regular work of each second: write the audit counts that are due, and switch to a users' database that
        has replaced the old one, and ask stores that are gone whether they are back. What fails is tried again.
        """
        foundation = self.foundation
        foundation.recurring.tell()
        for work in (foundation.audit.flush, self.directory.follow, foundation.ask_whether_back):
            try:
                work()
            except Unavailable as error:
                _log.debug("%s", error)  # Whoever needs the store says so.

    def close(self) -> None:
        """Save the tickets for the next run, and close the stores."""
        self.foundation.recurring.tell(quiet=0)
        self.foundation.stores.stop()
        self.directory.close()
        try:
            self.foundation.audit.close()
        except Unavailable as error:
            _log.error("%s", error)


def compose(
    settings: Settings,
    *,
    demo: bool = False,
    clock: Callable[[], float] | None = None,
    local_zone: tzinfo | None = None,
    passwords: PasswordHasher | None = None,
    steady_clock: Callable[[], float] = time.monotonic,
    figures: Figures | None = None,
    metrics: "Metrics | None" = None,
) -> Composition:
    """Build the service. With ``demo``: the demo's users and secrets, and nothing on disk (CONTRACT 3). Parts
    that are passed in are used instead of being built.

    Raises SettingsError and Unavailable.
    """
    if demo:
        settings = demo_settings(settings)
    clock = clock or BelievedClock(steady=steady_clock)
    source = open_source(settings.connection_strings.users.get_secret_value(), clock=clock)
    if demo:
        add_demo_users(source.directory, passwords.hash if passwords else None)
    directory = CooperativeDirectory(source.directory)
    stores = open_stores(settings, clock=clock, steady_clock=steady_clock)
    presences = {"users": directory.presence, **stores.presences}
    audit = _audit(settings, clock, steady_clock, metrics, presences)
    if metrics is not None:
        stores.evictions.observer = metrics.evicted
        for name, presence in presences.items():
            metrics.watch(name, presence)
    users, figures, recurring = replace(source, directory=directory), figures or Figures(), Recurring(steady_clock)
    return build_upon(
        Foundation(users, stores, audit, clock, local_zone, passwords, figures, metrics, presences, recurring), settings
    )


def build_upon(foundation: Foundation, settings: Settings) -> Composition:
    """Build the rules and the site. Raises SettingsError."""
    stores = foundation.stores
    authentication = _authentication(settings, foundation)
    parts = Parts(
        authentication,
        settings.server_info.facts(),
        foundation.clock,
        foundation.local_zone,
        root_name=settings.web_services.root_element,
        friendly_origins=_friendly_origins(settings),
        recurring=foundation.recurring,
    )
    english_name(settings.languages.default)  # so that no call has to read the names
    checks = foundation.checks
    site = _site(settings, parts, Health(checks))
    if foundation.metrics is not None:
        site.endpoint.app.event_manager.add_listener("method_context_closed", foundation.metrics.call_ended)
    administration = StoreAdministration(stores.tickets, stores.throttles.logins)
    status = Status(foundation.figures, stores.tickets, administration, checks, settings.workers)
    return Composition(settings, site, authentication, foundation, commands(administration, status))


def service_description(settings: Settings, address: str) -> bytes:
    """The WSDL for a service at ``address``, with the bindings that the settings switch on. Opens no store."""
    return build_wsdl(OperationTable(ticket_application(None)), NAME, address, _bindings(settings))


def _authentication(settings: Settings, foundation: Foundation) -> Authentication:
    users, stores, noted = foundation.users, foundation.stores, _noted(foundation)
    passwords = foundation.passwords or password_hasher(settings)
    verifier = users.verifier(users.directory, passwords, foundation.clock)
    return Authentication(
        directory=users.directory,
        profiles=ProfileCache(users.directory),
        tickets=stores.tickets,
        logons=Logons(verifier=verifier, throttle=stores.throttles.logins, audit=noted, recurring=foundation.recurring),
        trusted_throttle=stores.throttles.trusted_passwords,
        policy=_policy(settings),
        audit=noted,
    )


def _audit(
    settings: Settings,
    clock: Callable[[], float],
    steady_clock: Callable[[], float],
    metrics: "Metrics | None",
    presences: dict[str, Presence],
) -> AuditLog:
    """The audit log, whose presence is added to ``presences``."""
    audit = audit_log(settings, clock)
    if not settings.audit.to:
        return audit
    cooperative = CooperativeAudit(audit)
    presences["audit"] = cooperative.presence
    lines = cooperative if metrics is None else metrics.counting_lines(cooperative)
    # What is merged waits for no thread.
    seconds = settings.audit.merge_seconds
    return MergingAudit(lines, seconds=seconds, network_of=network_of, clock=steady_clock)


def _noted(foundation: Foundation) -> AuditLog:
    """The audit log as calls write to it: what happens is counted, whether it makes a line or not."""
    noted = CountingAudit(foundation.audit, foundation.figures)
    return noted if foundation.metrics is None else foundation.metrics.counting_logins(noted)


def _site(settings: Settings, parts: Parts, health: Health) -> Site:
    return Site(
        AsmxEndpoint(ticket_application(parts), PATH, _bindings(settings), _limits(settings), _pages(parts)),
        path_base=settings.path_base,
        hosts=HostFilter(tuple(settings.allowed_hosts.split(";"))),
        proxies=Proxies(tuple(settings.forwarded_headers.known_proxies)),
        health=health,
        hsts=settings.hsts.max_age,
        cors=_cors(settings),
        forward_auth=_forward_auth(settings, parts),
    )


def _limits(settings: Settings) -> Limits:
    return replace(LIMITS, body=settings.web_services.max_request_bytes)


def _pages(parts: Parts) -> Pages:
    return Pages(f"asmx-tickets {version('asmx-tickets')}", examples(parts.facts, parts.root_name))


def _bindings(settings: Settings) -> frozenset[Binding]:
    return frozenset(Binding(name) for name in settings.web_services.protocols)


def _cors(settings: Settings) -> Cors:
    cors = settings.cors
    return Cors(frozenset(cors.allowed_origins), cors.allow_credentials, int(cors.max_age.total_seconds()))


def _forward_auth(settings: Settings, parts: Parts) -> ForwardAuth | None:
    path, prolongs = settings.forward_auth.path, settings.forward_auth.prolongs
    if not path:
        return None
    return ForwardAuth(parts.authentication, path, prolongs, parts.friendly_origins, parts.recurring)


def _friendly_origins(settings: Settings) -> frozenset[str]:
    """The other sites whose pages may use the ticket's cookie."""
    return frozenset(settings.cors.allowed_origins if settings.cors.allow_credentials else ())


def _policy(settings: Settings) -> Policy:
    return Policy(
        settings.languages.languages(),
        sysadmin_name=settings.sysadmin_account_name,
        trusted_passwords=[secret.get_secret_value() for secret in settings.trusted_user_pwd],
        trusted_networks=settings.trusted_user_networks,
    )
