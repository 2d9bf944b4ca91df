"""Packages that only some settings need, and how to get one that is not installed."""

import re

from asmx_tickets.errors import SettingsError


def missing(key: str, extra: str) -> SettingsError:
    """The error of a setting that needs an extra's packages, with the command that installs them.

    The packages are named themselves: ``pip install asmx-tickets[extra]`` asks an index that may not have this program.
    """
    words = " ".join(f"'{requirement}'" for requirement in requirements(extra))
    return SettingsError(f"{key} needs a package that is not installed: pip install {words}")


def requirements(extra: str) -> tuple[str, ...]:
    """The requirements of an extra, as pip takes them."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        declared = requires("asmx-tickets") or []
    except PackageNotFoundError:
        declared = []
    wanted = re.compile(rf"([^;]+?)\s*;.*\bextra == ['\"]{extra}['\"]")
    return tuple(found[1] for line in declared if (found := wanted.fullmatch(line))) or (extra,)
