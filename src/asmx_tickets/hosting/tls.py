"""TLS for the server: a certificate from files, which are loaded again when they are renewed (SECURITY H9)."""

import logging
import ssl
from pathlib import Path

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.http_sections import Certificate

_log = logging.getLogger(__name__)


class Certificates:
    """The certificate that the settings name. Raises SettingsError when it can't be used."""

    def __init__(self, settings: Certificate) -> None:
        self._name_files(settings)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._load(self.context)
        self._seen = self._stamp()

    def change(self, settings: Certificate) -> None:
        """Use another certificate for new connections. Raises SettingsError, and then nothing has changed."""
        other = Certificates(settings)
        self._name_files(settings)
        self._load(self.context)
        self._seen = other._seen

    def _name_files(self, settings: Certificate) -> None:
        if not settings.path:
            raise SettingsError("Certificate:Path must name a certificate (PEM) for an https address in Urls")
        self._certificate = Path(settings.path)
        self._key = Path(settings.key_path or settings.path)
        self._password = settings.password.get_secret_value()

    def renew(self) -> None:
        """Load the files again if they have changed, for new connections. A bad pair changes nothing."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # half a pair must not reach the context in use
            self._load(self.context)
        except SettingsError as error:
            _log.error("the renewed certificate is not used: %s", error)
        else:
            _log.info("the certificate in %s was renewed", self._certificate)

    def _load(self, context: ssl.SSLContext) -> None:
        for file in {self._certificate, self._key}:
            try:
                file.read_bytes()
            except OSError as error:
                raise SettingsError(f"Certificate: {file} can't be read: {error.strerror}") from None
        try:
            # A function, because with None OpenSSL would ask on the terminal.
            context.load_cert_chain(self._certificate, self._key, password=lambda: self._password)
        except (OSError, ValueError) as error:  # SSLError is an OSError; a file may be gone by now
            reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
            reason = reason or "no certificate and key in PEM form"
            raise SettingsError(
                f"Certificate: {self._certificate} and {self._key} can't be used ({reason}): they must be a"
                " certificate and its key in PEM form, with Certificate:Password where the key has one"
            ) from None

    def _stamp(self) -> tuple[tuple[int, int, int], ...] | None:
        try:
            stats = [file.stat() for file in (self._certificate, self._key)]
        except OSError:
            return None  # being replaced
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)
