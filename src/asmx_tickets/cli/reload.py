"""``asmx-tickets reload``: the running server reads its settings again."""

import typer

from asmx_tickets.cli.options import SettingsFile, read_settings


def reload(settings: SettingsFile = None) -> None:
    """Have the running server read its settings again.

    Prints what has changed. Settings that can't be used change nothing.
    """
    from asmx_tickets.cli.running import RunningServer

    told = RunningServer(read_settings(settings)).ask("reload")
    typer.echo(f"changed: {', '.join(told['changed'])}" if told["changed"] else "nothing has changed")
    if told["kept"]:
        typer.echo(f"only a restart changes: {', '.join(told['kept'])}")
