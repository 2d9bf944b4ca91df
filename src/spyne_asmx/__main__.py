"""``python -m spyne_asmx FILE:NAME`` serves an application while it is being written."""

import logging
import sys
from argparse import ArgumentParser

# This import must come first: the ones below import spyne.
from spyne_asmx.development import NotServable, serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. An application that can't be served is reported in one line."""
    parser = ArgumentParser(
        prog="python -m spyne_asmx", description="Serve an application while it is being written. Not for production."
    )
    parser.add_argument(
        "target",
        metavar="FILE:NAME",
        help="a Python file and the name in it of an AsmxApplication, AsmxEndpoint, AsmxEndpoints or WSGI application",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="the port to listen at (8080)")
    parser.add_argument("--reload", action="store_true", help="load the application again when a file of it changes")
    given = parser.parse_args(arguments)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        serve(given.target, given.host, given.port, reload=given.reload)
    except NotServable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
