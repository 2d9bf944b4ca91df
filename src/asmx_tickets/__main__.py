"""``asmx-tickets`` and ``python -m asmx_tickets``."""

from asmx_tickets.cli.app import app


def main() -> None:
    """Run the command line (CONTRACT 3). Exits 0 when done, 1 when it failed, 2 when it was used wrongly."""
    app(prog_name="asmx-tickets")


if __name__ == "__main__":
    main()
