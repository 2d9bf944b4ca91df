"""How all commands behave: plain help, one line on standard error when something is wrong, and the exit codes.

The codes are those of CONTRACT 3: 0 done, 1 failed, 2 used wrongly; and 130 where Ctrl-C ended it.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from asmx_tickets.errors import AsmxTicketsError

NAME = "asmx-tickets"

Function = TypeVar("Function", bound=Callable[..., None])


class Command(TyperCommand):
    """A command whose help names its arguments as manual pages do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. An error in them names this command."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            wrong: Any = error
            wrong.ctx = wrong.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Required arguments stand bare: NAME, not {NAME}."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List arguments without their Python types, and the options."""
        params: list[Any] = self.get_params(ctx)
        arguments = [
            (param.metavar or param.name.upper(), param.help) for param in params if param.param_type_name == "argument"
        ]
        options = [param.get_help_record(ctx) for param in params if param.param_type_name == "option"]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(TyperGroup):
    """Commands below a common name; without one of them it shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments before the command."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and end the process."""
        sys.exit(self._exit_code(*args, **options | {"standalone_mode": False}))

    def _exit_code(self, *args: Any, **options: Any) -> int:
        try:
            return super().main(*args, **options) or 0
        except TyperException as error:
            typer.echo(_wrong_use(error), err=True)
            return error.exit_code
        except AsmxTicketsError as error:
            typer.echo(f"{NAME}: {error}", err=True)
        except typer.Abort:
            typer.echo(f"{NAME}: Nothing was done.", err=True)
        except OSError as error:
            typer.echo(f"{NAME}: {_system_error(error)}.", err=True)
        return 1


def _system_error(error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and not error.filename:
        return "The working directory has been removed"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _wrong_use(error: TyperException) -> str:
    """What is wrong with the arguments, in one line that leads to the help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else NAME
    message = " ".join(error.format_message().split())
    end = "" if message.endswith(("?", ".")) else "."
    return f"{command}: {message}{end} See {command} --help."


class CommandLine(typer.Typer):
    """The whole command line, or the commands below a common name."""

    def __init__(self, name: str, help: str, *, add_completion: bool = False) -> None:
        super().__init__(
            name=name,
            help=help,
            cls=Group,
            add_completion=add_completion,
            context_settings={"help_option_names": ["-h", "--help"]},
            rich_markup_mode=None,
            # A traceback with local variables would show passwords.
            pretty_exceptions_enable=False,
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        """Declare a command."""
        return super().command(name, cls=Command, **options)
