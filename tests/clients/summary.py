"""The table of clients at the end of a test run: which client, in which version, passed over which bindings.

README.md's table is kept from it.
"""

import pytest

PROPERTY = "client"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a row for each client whose tests passed, as Markdown."""
    bindings: dict[tuple[str, str], set[str]] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == PROPERTY and report.when == "call":
                client, version, binding = value
                bindings.setdefault((client, version), set()).add(binding)
    if bindings:
        terminalreporter.section("real clients that passed")
        terminalreporter.line("| client | version | bindings |")
        terminalreporter.line("|---|---|---|")
        for (client, version), names in sorted(bindings.items()):
            terminalreporter.line(f"| {client} | {version} | {', '.join(sorted(names))} |")
