"""The values settings can have."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from asmx_tickets.settings.types import (
    ConnectionString,
    ListenAddress,
    UtcTime,
    format_timespan,
    mask_password,
    parse_timespan,
    parse_url,
    parse_urls,
)

spans = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=36500))
names = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=1)


@settings(deadline=None)
@given(spans)
def test_a_timespan_is_read_back_as_it_was_written(span: timedelta) -> None:
    """Writing and reading agree to the microsecond."""
    assert parse_timespan(format_timespan(span)) == span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30.00:00:00", timedelta(days=30)),
        ("00:00:05", timedelta(seconds=5)),
        ("1:2:3", timedelta(hours=1, minutes=2, seconds=3)),
        (" 7.23:59:59.5 ", timedelta(days=7, hours=23, minutes=59, seconds=59.5)),
        ("00:00:00.0000019", timedelta(microseconds=1)),
    ],
)
def test_dotnet_timespans_are_read(text: str, span: timedelta) -> None:
    """Days and fraction may be left out."""
    assert parse_timespan(text) == span


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "30 days", "1d", "P30D", "1:2", "1.1.1:1:1", "٣.00:00:00", "00:00:00.00000000"),
        *("1.24:00:00", "24:00:00", "00:60:00", "00:00:60"),
        *("00:00:00", "0.0:0:0", "-1.00:00:00", "00:00:00.0000001", "99999.00:00:00"),
    ],
)
def test_what_is_no_timespan_is_refused(text: str) -> None:
    """Nothing negative or zero, no hour 24, nothing that leaves the calendar."""
    with pytest.raises(ValueError, match=r"^must be "):
        parse_timespan(text)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_timespan_or_a_value_error(text: str) -> None:
    """No other exception, whatever is written."""
    try:
        assert parse_timespan(text) > timedelta(0)
    except ValueError as error:
        assert str(error).startswith("must be ")


@pytest.mark.parametrize(
    ("text", "address", "bind_host", "loopback"),
    [
        ("http://127.0.0.1:8080", ListenAddress("127.0.0.1", 8080), "127.0.0.1", True),
        ("http://localhost:8080/", ListenAddress("localhost", 8080), "127.0.0.1", True),
        ("http://*:8080", ListenAddress("*", 8080), "0.0.0.0", False),
        ("HTTP://+:1;", ListenAddress("*", 1), "0.0.0.0", False),
        ("http://[::1]:8080", ListenAddress("::1", 8080), "::1", True),
        ("http://[::]:65535", ListenAddress("::", 65535), "::", False),
        ("http://10.1.2.3", ListenAddress("10.1.2.3", 80), "10.1.2.3", False),
        ("https://*:8443", ListenAddress("*", 8443, "https"), "0.0.0.0", False),
        ("HTTPS://[::1]", ListenAddress("::1", 443, "https"), "::1", True),
    ],
)
def test_urls_name_where_to_listen(text: str, address: ListenAddress, bind_host: str, loopback: bool) -> None:
    """An address is written back as a URL that reads the same."""
    assert parse_urls(text) == (address,)
    assert address.bind_host == bind_host
    assert address.is_loopback is loopback
    assert parse_url(str(address)) == address


def test_several_addresses_are_separated_by_semicolons() -> None:
    """http and https at once, as ASP.NET has it."""
    http, https = ListenAddress("*", 8080), ListenAddress("*", 8443, "https")
    assert parse_urls("http://*:8080;https://*:8443;") == (http, https)
    assert len(parse_urls("http://*:80;http://[::]:80;http://127.0.0.1:81")) == 3


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("http://*:80", "http://localhost:80"),
        ("http://[::]:80", "http://localhost:80"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://10.1.2.3:80", "http://10.1.2.3:80"),
    ],
)
def test_the_local_url_is_one_a_client_can_use(text: str, local: str) -> None:
    """No client connects to "every address"."""
    assert parse_url(text).local_url == local


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://127.0.0.1", "must be a URL such as"),
        ("http://127.0.0.1:1;https://127.0.0.1:1", "must not name an address twice"),
        ("http://*:1;http://127.0.0.1:1", "must not name an address twice"),
        ("https://[::1]:1;http://[::]:1", "must not name an address twice"),
        ("http://127.0.0.1:1;nonsense", "must be a URL such as"),
        (" ; ", "must be a URL such as"),
        ("http://127.0.0.1:0", "port from 1 to 65535"),
        ("http://127.0.0.1:65536", "must be a URL such as"),
        ("http://127.0.0.1:x", "must be a URL such as"),
        ("http://[::1:80", "must be a URL such as"),
        ("http://a@127.0.0.1", "must be a URL such as"),
        ("http://127.0.0.1/?a", "must be a URL such as"),
        ("127.0.0.1:8080", "must be a URL such as"),
        ("", "must be a URL such as"),
        ("http://127.0.0.1/x", "belongs into PathBase"),
        ("http://server.example.com:80", "an IP address, localhost or *"),
        ("http://:80", "an IP address, localhost or *"),
    ],
)
def test_urls_the_server_cannot_listen_on_are_refused(text: str, message: str) -> None:
    """The message says what to do instead."""
    with pytest.raises(ValueError, match="must") as error:
        parse_urls(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:s3cret@host:6379/0", "redis://:****@host:6379/0"),
        ("unix://user:s3cret@/run/redis.sock?db=1", "unix://user:****@/run/redis.sock?db=1"),
        ("redis://host?db=1&Password=s3cret&x=1", "redis://host?db=1&Password=****&x=1"),
        ("postgresql://u:s3/cr@t:x@host/db?sslpassword=s3cret", "postgresql://u:****@host/db?sslpassword=****"),
        ("sqlite:////srv/a@b:c/users.db", "sqlite:////srv/a@b:c/users.db"),
        ("memory://", "memory://"),
    ],
)
def test_a_connection_string_is_shown_without_its_password(url: str, shown: str) -> None:
    """Neither text nor repr give it away."""
    secret = ConnectionString(url)
    assert str(secret) == mask_password(url) == shown
    assert "s3c" not in repr(secret)
    assert secret.get_secret_value() == url


@settings(deadline=None)
@given(names, st.text(min_size=1), names)
def test_no_password_survives_masking(user: str, password: str, host: str) -> None:
    """Whatever characters it has, quoted or not."""
    assert mask_password(f"redis://{user}:{password}@{host}") == f"redis://{user}:****@{host}"


MOMENT = TypeAdapter(UtcTime)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-12-31", "2030-12-31T23:59:59Z"),
        (" 2030-12-31 ", "2030-12-31T23:59:59Z"),
        ("2028-02-29", "2028-02-29T23:59:59Z"),
        ("2030-12-31T10:00:00", "2030-12-31T10:00:00Z"),
        ("2030-12-31T10:00:00Z", "2030-12-31T10:00:00Z"),
        ("2030-12-31T10:00:00.123Z", "2030-12-31T10:00:00Z"),
        ("2030-12-31T23:00:00-02:00", "2031-01-01T01:00:00Z"),
        ("2030-12-31T01:00:00+05:45", "2030-12-30T19:15:00Z"),
        ("0987-01-02", "0987-01-02T23:59:59Z"),
    ],
)
def test_a_moment_is_shown_in_utc(text: str, moment: str) -> None:
    """A date alone means its last second."""
    assert MOMENT.validate_python(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "never", "2030", "2030-12", "20301231", "2030-W01", "2030-W01-1", "2030-1-1", "31.12.2030"),
        *(
            "12/31/2030",
            "2030-02-30",
            "2030-13-01",
            "2030-12-31T",
            "2030-12-31T24:30:00",
            "2030-12-31T10",
            "1924905600",
        ),
        *("2030-12-31T10:00", "2030-12-31 10:00:00", "2030-12-31T10:00:00z", "2030-12-31T10:00:00+5", "٢٠٣٠-12-31"),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2030-12-31T10:00:00Z\n2"),
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """In words that say what would be one. ISO 8601 has other forms."""
    with pytest.raises(ValidationError, match="must be a date such as 2030-12-31, or a time in UTC"):
        MOMENT.validate_python(text)
