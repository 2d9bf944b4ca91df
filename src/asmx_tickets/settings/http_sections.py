"""The settings' sections about HTTP: what is served, to whom, behind which proxies and over TLS (CONTRACT 3)."""

from datetime import timedelta
from typing import get_args

from pydantic import Field, SecretStr, model_validator

from asmx_tickets.settings.sections import Section
from asmx_tickets.settings.types import (
    AuthPath,
    Networks,
    OptionalTimeSpan,
    Origins,
    ProtocolName,
    Protocols,
    RootElementName,
    Text,
    TimeSpan,
)


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


class ForwardAuth(Section):
    """An address where a proxy asks whose ticket a request brings, to guard another site with it."""

    path: AuthPath = Field(
        default="", description="Its path, such as /auth, whatever PathBase and AllowedHosts say; empty: off."
    )
    prolongs: bool = Field(
        default=False, description="Whether asking counts as the ticket's use, and so restarts its time."
    )


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
