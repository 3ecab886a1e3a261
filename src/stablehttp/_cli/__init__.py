"""The command `stablehttp`: its arguments, and which part does what.

On no floor: a user of the house like any other.  What a command does is imported when it is run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from stablehttp._cli import _connectors, _send
from stablehttp._errors import StableHTTPError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status: 0 if all went well, 1 if something did not, 2 for misuse."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except StableHTTPError as error:
        print(f"stablehttp: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stablehttp", description="HTTP types that SDKs can stand on.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="send one awkward, signed request through every installed connector",
        description="Start a server on this machine that keeps every octet, send it one awkward, signed request "
        "through every installed connector, and show what arrived.",
    )
    demo.add_argument("--plain", action="store_true", help="no colours")
    demo.set_defaults(run=_demo)
    send = commands.add_parser(
        "send",
        help="send one request, like curl, through any connector",
        description="Send one request through any connector and write the content of the response. "
        "Exit status: 0 for a status below 400, 22 for others, 1 if there was no response.",
    )
    _send.add_arguments(send)
    send.set_defaults(run=_send.run)
    connectors = commands.add_parser(
        "connectors",
        help="list what is installed, what each can do, and which would be chosen",
        description="List what is installed, what each can do, and which connector a client would get that names none, "
        "or that has the requirements given here.  No connection is made.",
    )
    _connectors.add_arguments(connectors)
    connectors.set_defaults(run=_connectors.run)
    return parser


def _demo(chosen: argparse.Namespace) -> int:
    from stablehttp._cli._demo import run

    return run(colours=not chosen.plain and sys.stdout.isatty())
