"""Reads the settings again while the server runs: at SIGHUP, or when an operator asks for it.

The supervisor reads them first, so an error is reported once and changes nothing. Then each worker builds new rules and
a new site on its existing stores.
"""

from collections.abc import Callable

from asmx_tickets.hosting.demo import demo_settings
from asmx_tickets.hosting.tls import Certificates
from asmx_tickets.settings.changes import Change, change_of
from asmx_tickets.settings.model import Settings

Reread = Callable[[Settings], Change]
"""Reads the settings again, given the current ones. Raises SettingsError when they can't be used."""


def no_change(current: Settings) -> Change:
    """For settings that exist only in this process."""
    return Change(current, (), ())


def read_again(read: Callable[[], Settings], demo: bool, current: Settings) -> Change:
    """The changes in the settings, which ``read`` reads. Raises SettingsError if they can't be used."""
    wanted = read()
    change = change_of(current, demo_settings(wanted) if demo else wanted)
    if any(address.scheme == "https" for address in change.settings.urls):
        Certificates(change.settings.certificate)
    return change
