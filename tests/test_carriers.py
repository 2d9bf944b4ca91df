"""Whether the ticket of a cookie counts: it does not act for a page of another site (SECURITY D3, CONTRACT 2.7)."""

import pytest

from asmx_tickets.carriers import in_cookie
from spyne_asmx import HeaderMap, Request

OWN, EVIL = "http://tickets.example:8080", "http://evil.example"


def counts(*headers: tuple[str, str], friendly: tuple[str, ...] = ()) -> bool:
    pairs = [("Cookie", "ticket=t"), *headers]
    request = Request("GET", "/srv.asmx/LogOut", "", HeaderMap(pairs), host="tickets.example:8080")
    return in_cookie(request, friendly) == "t"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Origin", OWN)],
        [("Origin", "HTTP://Tickets.Example:8080")],
        [("Referer", f"{OWN}/srv.asmx?op=LogOut")],
        [("Sec-Fetch-Site", "none")],
        [("Sec-Fetch-Site", "same-origin")],
        [("Sec-Fetch-Site", "same-site")],
        [("Sec-Fetch-Site", "same-site"), ("Origin", "http://app.tickets.example")],
    ],
)
def test_the_cookie_of_ones_own_site_counts(headers: list[tuple[str, str]]) -> None:
    assert counts(*headers)


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", EVIL)],
        [("Origin", "null")],
        [("Origin", "")],
        [("Origin", "http://tickets.example")],
        [("Origin", "http://tickets.example:8080.evil.example")],
        [("Referer", f"{EVIL}/{OWN}")],
        [("Referer", "")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "cross-site"), ("Origin", OWN)],
        [("Sec-Fetch-Site", "")],
        [("Origin", OWN), ("Origin", EVIL)],
        [("Origin", EVIL), ("Origin", OWN)],
        [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        [("Referer", OWN), ("Referer", EVIL)],
    ],
)
def test_the_cookie_of_another_site_does_not_count(headers: list[tuple[str, str]]) -> None:
    """Whichever of two headers of one name stands first."""
    assert not counts(*headers)


def test_a_friendly_origin_counts_and_not_beside_another() -> None:
    """Cors:AllowCredentials names it."""
    assert counts(("Origin", EVIL), ("Sec-Fetch-Site", "cross-site"), friendly=(EVIL,))
    assert not counts(("Origin", EVIL), ("Origin", "http://other.example"), friendly=(EVIL,))
