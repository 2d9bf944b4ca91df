"""The URLs of ConnectionStrings:Tickets, and the connections that they name: sockets, logins, TLS."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.redis.address import parse_address
from asmx_tickets.tickets import new_guid
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.redis import RedisServer, TlsRedisServer, open_cache
from tests.support.ticket_caches import WINDOW

FIELDS: dict[str, Any] = {"user_id": 42, "security_stamp": 1, "language": "en", "previous_logon": None}


@contextmanager
def opened(url: str, **options: Any) -> Iterator[RedisTicketCache]:
    cache = open_cache(url, sliding_expiration=WINDOW, **options)
    with closing(cache):
        yield cache


def use_all(cache: RedisTicketCache) -> None:
    """Use every operation of the cache."""
    guid = new_guid()
    added = cache.add(guid, **FIELDS)
    assert cache.look(guid) == added
    assert cache.renew(guid) is not None
    assert len(list(cache.summaries())) == 1
    assert cache.remove(guid) is not None
    assert cache.remove_user(42) == 0
    assert cache.warnings() == ()
    cache.ping()


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://cache.example.com", "cache.example.com:6379"),
        ("redis://cache.example.com/", "cache.example.com:6379"),
        ("redis://:pw@cache.example.com:6380/3", "cache.example.com:6380"),
        ("rediss://user:p%40%23w@10.0.0.7/0?client_name=tickets", "10.0.0.7:6379"),
        ("rediss://cache.example.com?ssl_cert_reqs=none&ssl_check_hostname=false", "cache.example.com:6379"),
        ("redis://[::1]:6380/0?db=2", "[::1]:6380"),
        ("unix:///run/redis/redis.sock", "/run/redis/redis.sock"),
        ("unix://user:pw@/run/redis.sock?db=1", "/run/redis.sock"),
        ("redis+sentinel://one,two:26380/tickets", "tickets of Sentinel one:26379, two:26380"),
        ("rediss+sentinel://u:p@[::1]:1,two/tickets/2", "tickets of Sentinel [::1]:1, two:26379"),
        ("redis+sentinel://one/tickets?sentinel_password=pw&db=4", "tickets of Sentinel one:26379"),
    ],
)
def test_a_url_names_a_place(url: str, where: str) -> None:
    assert parse_address(url).where == where


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must be a URL"),
        ("memory://", "must be a URL"),
        ("redis:pw", "must be a URL|must name a host"),
        ("http://pw@host", "must be a URL"),
        ("redis://", "must name a host"),
        ("redis://:pw@/0", "must name a host"),
        ("redis://host:0", "port from 1"),
        ("redis://host:pw", "must be a URL"),
        ("redis://host:65536", "must be a URL"),
        ("redis://:p#pw@host/0", "written as %23"),
        ("redis://:p/pw@host/0", "must be a URL|must name a host|must have a database"),
        ("redis://[pw", "must be a URL"),
        ("redis://host..pw", "must be a URL"),
        ("redis://host/pw", "database's number"),
        ("redis://host/0/1", "database's number"),
        ("redis://host?db=pw", "must be a URL"),
        ("redis://host?socket_timeout=30", "no options but"),
        ("redis://host?max_connections=1", "no options but"),
        ("redis://host?pw=pw", "no options but"),
        ("redis://host?pw", "no options but"),
        ("redis://host?sentinel_password=pw", "no options but"),
        ("redis://host?ssl_cert_reqs=none", "must be a URL"),
        ("rediss://host?ssl_cert_reqs=pw", "must be a URL"),
        ("rediss://host?ssl_pw=pw", "must be a URL"),
        ("rediss://host?ssl_ca_certs=/no/pw.pem", "a file that can be read in ssl_ca_certs"),
        ("unix://", "three slashes"),
        ("unix://redis.sock", "three slashes"),
        ("unix://run/redis.sock", "three slashes"),
        ("redis+sentinel://one,two", "the master's service"),
        ("redis+sentinel://one,/tickets", "HOST:PORT, separated by commas"),
        ("redis+sentinel://one:pw/tickets", "HOST:PORT, separated by commas"),
        ("redis+sentinel://one:70000/tickets", "HOST:PORT, separated by commas"),
        ("redis+sentinel://:pw@/tickets", "HOST:PORT, separated by commas"),
        ("redis+sentinel://one/tickets/pw", "database's number"),
        ("unix+sentinel://one/tickets", "must"),
    ],
)
def test_other_urls_are_refused_in_one_line_that_shows_nothing_of_them(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as raised:
        open_cache(url, sliding_expiration=WINDOW)
    said = str(raised.value)
    assert said.startswith("ConnectionStrings:Tickets must ")
    assert "pw" not in said
    assert "\n" not in said
    assert raised.value.__cause__ is None


@given(
    scheme=st.sampled_from(["redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"]),
    rest=st.text(st.sampled_from("ab0129:/@?#[]%,.&= \n\x00é") | st.characters(), max_size=40),
)
def test_any_text_is_read_or_refused(scheme: str, rest: str) -> None:
    try:
        where = parse_address(f"{scheme}://{rest}").where
    except SettingsError:
        return
    assert where


def test_a_unix_socket(shared_redis: RedisServer) -> None:
    with opened(f"unix://{shared_redis.socket}?db=1", prefix="socket:") as cache:
        use_all(cache)


def test_the_database_of_the_url_is_used(own_redis: RedisServer) -> None:
    with opened(own_redis.url.replace("/0", "/5")) as cache, own_redis.client() as client:
        cache.add(new_guid(), **FIELDS)
        assert list(client.info("keyspace")) == ["db5"]


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("redis://127.0.0.1:{port}/0", "refuses the user name or the password"),
        ("redis://:wrong@127.0.0.1:{port}/0", "refuses the user name or the password"),
        ("redis://:s%2Fcret%23@127.0.0.1:{port}/99", "DB index is out of range"),
    ],
)
def test_a_redis_with_a_password(own_redis: RedisServer, url: str, cause: str) -> None:
    with own_redis.client() as client:
        client.config_set("requirepass", "s/cret#")
    with opened(f"redis://:s%2Fcret%23@127.0.0.1:{own_redis.port}/0") as cache:
        use_all(cache)
    with opened(url.format(port=own_redis.port)) as cache:
        for call in (cache.ping, lambda: cache.look(new_guid()), lambda: cache.add(new_guid(), **FIELDS)):
            with pytest.raises(Unavailable, match=cause) as raised:
                call()
            assert "cret" not in str(raised.value)
            assert "wrong" not in str(raised.value)


def test_a_user_with_the_rights_that_the_documentation_names(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        rights = "~asmx-tickets:* +@read +@write -@dangerous +eval +evalsha +time +info +config|get"
        client.execute_command("ACL", "SETUSER", "svc", "on", ">pw", *rights.split())
        with opened(own_redis.url.replace("//", "//svc:pw@")) as cache:
            use_all(cache)
        client.execute_command("ACL", "SETUSER", "svc", "-info", "-getex")
        with opened(own_redis.url.replace("//", "//svc:pw@")) as cache:
            assert cache.warnings() == ()
            with pytest.raises(Unavailable, match="does not let this user"):
                cache.look(new_guid())
            with pytest.raises(Unavailable, match="does not let this user"):
                cache.renew(new_guid())


def test_tls_with_a_certificate_that_is_trusted(shared_tls_redis: TlsRedisServer) -> None:
    with opened(shared_tls_redis.url) as cache:
        for _ in range(3):
            use_all(cache)


@pytest.mark.parametrize(
    "change",
    [lambda url: url, lambda url: url.replace("rediss:", "redis:")],
    ids=["a certificate that is not trusted", "no TLS"],
)
def test_a_redis_with_tls_needs_tls_and_a_trusted_certificate(
    shared_tls_redis: TlsRedisServer, change: Callable[[str], str]
) -> None:
    url = shared_tls_redis.url.partition("?")[0]
    with opened(change(url)) as cache, pytest.raises(Unavailable):
        cache.look(new_guid())
