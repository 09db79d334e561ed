"""Where a webhook may go."""

from ipaddress import ip_address

import pytest

from services.notify.core.targets import BadTarget, choose, forbidden, parse_target

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"]
PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]
NEVER = [
    "0.0.0.0",
    "100.100.100.200",
    "169.254.169.254",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert forbidden(ip_address(address), allow_private=False) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_reached_only_where_the_settings_say_so(address: str) -> None:
    assert forbidden(ip_address(address), allow_private=False) is not None
    assert forbidden(ip_address(address), allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_special_addresses_and_those_that_embed_others_may_never_be_reached(address: str) -> None:
    assert forbidden(ip_address(address), allow_private=False) is not None
    assert forbidden(ip_address(address), allow_private=True) is not None


def test_a_name_with_one_forbidden_address_is_refused_whole() -> None:
    with pytest.raises(BadTarget, match="forbidden"):
        choose(["93.184.216.34", "10.0.0.1"], allow_private=False)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(BadTarget, match="no address"):
        choose([], allow_private=False)


def test_ipv4_is_tried_first_and_each_address_once() -> None:
    chosen = choose([PUBLIC[2], PUBLIC[0], PUBLIC[0]], allow_private=False)
    assert [str(address) for address in chosen] == [PUBLIC[0], PUBLIC[2]]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://user:pass@example.com/",
        "https://@example.com/",
        "https:///path",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1",
        "https://exa mple.com/",
        "https://example.com/\n",
        "https://例え.jp/",
        "https://example.com/" + "a" * 2000,
        "example.com",
        "",
    ],
)
def test_what_is_no_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(BadTarget):
        parse_target(url, allow_plain=False)


def test_the_request_goes_to_the_address_and_names_the_host() -> None:
    target = parse_target("https://hooks.example.com:8443/a/b?c=d", allow_plain=False)
    assert target.url_at(ip_address("93.184.216.34")) == "https://93.184.216.34:8443/a/b?c=d"
    assert target.authority == "hooks.example.com:8443"
    local = parse_target("http://[::1]/", allow_plain=True)
    assert (local.url_at(ip_address("::1")), local.authority) == ("http://[::1]:80/", "[::1]")
