"""``asmx-tickets status``: how the running server does."""

from asmx_tickets.cli.options import SettingsFile, read_settings
from asmx_tickets.cli.output import AsJson, print_facts


def status(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print how the running server does, one thing a line.

    Logins and refusals are the last minute's, times are seconds.
    """
    from asmx_tickets.cli.running import RunningServer

    told = RunningServer(read_settings(settings)).ask("status")
    told["store"] = told.pop("stores")
    print_facts(told, as_json=as_json)
