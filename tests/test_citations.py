"""Each section of the contract and each security requirement that is cited exists, and a library cites neither."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PLACES = {"CONTRACT": r"[0-9](?:\.[0-9]+)?", "SECURITY": r"[A-Z]{1,2}[0-9]+"}
CITED = {
    document: re.compile(rf"\b{document}\s+({place}(?:(?:, | and | to ){place})*)\b")
    for document, place in PLACES.items()
}
FILES = sorted(path for folder in ("src", "tests") for path in (REPOSITORY / folder).rglob("*.py"))


def sections() -> set[str]:
    """The numbers of the contract's headings."""
    headings = re.findall(
        r"^#+ ([0-9](?:\.[0-9]+)?)\.? ", (REPOSITORY / "wsdl" / "CONTRACT.md").read_text(), re.MULTILINE
    )
    return set(headings)


def requirements() -> set[str]:
    """The ids of the requirements' rows, and the numbers of their sections."""
    text = (REPOSITORY / "docs" / "security-requirements.md").read_text()
    rows = re.findall(r"^\| ([A-Z]{1,2}[0-9]+) \|", text, re.MULTILINE)
    return {*rows, *re.findall(r"^#+ ([0-9](?:\.[0-9]+)?)\.? ", text, re.MULTILINE)}


def cited(text: str) -> set[tuple[str, str]]:
    return {
        (document, place)
        for document, pattern in CITED.items()
        for places in pattern.findall(text)
        for place in re.split(r", | and | to ", places)
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_what_is_cited_is_there(file: Path) -> None:
    known = {"CONTRACT": sections(), "SECURITY": requirements()}
    missing = {(document, place) for document, place in cited(file.read_text()) if place not in known[document]}
    assert not missing


def test_there_is_something_to_cite() -> None:
    assert {"1.1", "2.4", "3"} <= sections()
    assert {"A1", "D22", "X13", "R10"} <= requirements()
    assert sum(len(cited(file.read_text())) for file in FILES) > 100


def test_spyne_asmx_cites_standards_alone() -> None:
    """It could be published by itself."""
    for file in (REPOSITORY / "src" / "spyne_asmx").rglob("*"):
        if file.suffix in {".py", ".html", ".css"}:
            assert not re.search(r"\b(CONTRACT|SECURITY)\b", file.read_text()), file
