"""Where a webhook may go: a guard against requests to this machine or its network (SSRF).

The tables are those of the IANA special-purpose registries. ``ipaddress.is_global`` is not enough:
it lets pass forms that embed a private IPv4 address in IPv6.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

IpAddress = IPv4Address | IPv6Address

_NEVER: Final = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this network"),
        ("100.64.0.0/10", "shared address space, home of some cloud metadata"),
        ("169.254.0.0/16", "link-local, home of cloud metadata"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        ("::/128", "unspecified"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard only"),
        ("2001::/23", "protocol assignments, Teredo among them"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fd00:ec2::/32", "cloud metadata"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_PRIVATE: Final = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("10.0.0.0/8", "private"),
        ("127.0.0.0/8", "loopback"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_PORTS: Final = {"http": 80, "https": 443}
_MAX_URL_LENGTH: Final = 2000


class BadTarget(ValueError):
    """The address can be no webhook's; the message goes on after its name."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: ``path`` with its query, ``host`` as it is to be resolved."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def url_at(self, address: IpAddress) -> str:
        """The URL by which exactly this address is connected to."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_target(url: str, *, allow_plain: bool) -> Target:
    """Take a URL apart; raises `BadTarget`. ``allow_plain`` admits http beside https."""
    if len(url) > _MAX_URL_LENGTH or not url.isascii() or any(c <= " " for c in url):
        raise BadTarget("must be a URL of at most 2000 printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadTarget(f"is no URL: {error}") from None
    if parts.scheme not in (("https", "http") if allow_plain else ("https",)):
        raise BadTarget("must begin with https://")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise BadTarget("must not carry a user name or password")
    if not parts.hostname or port == 0:
        raise BadTarget("must name a host")
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        parts.scheme, parts.hostname, port or _PORTS[parts.scheme], (parts.path or "/") + query
    )


def forbidden(address: IpAddress, *, allow_private: bool) -> str | None:
    """Why ``address`` must not be connected to, or None. ``allow_private`` admits loopback and
    private networks, never link-local or metadata addresses."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "an address with a zone"
        if address.ipv4_mapped is not None:
            return forbidden(address.ipv4_mapped, allow_private=allow_private)
    for network, reason in _PRIVATE:
        if address in network and not _metadata(address):
            return None if allow_private else reason
    for network, reason in _NEVER:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "not a global address"
    return None


def _metadata(address: IpAddress) -> bool:
    return any(address in network for network, reason in _NEVER if reason == "cloud metadata")


def choose(addresses: list[str], *, allow_private: bool) -> list[IpAddress]:
    """The addresses to try, IPv4 first. Raises `BadTarget` when there is none, or when any is
    forbidden: a name that also points inside is not to be trusted with the rest."""
    parsed = [ip_address(text) for text in dict.fromkeys(addresses)]
    for address in parsed:
        if reason := forbidden(address, allow_private=allow_private):
            raise BadTarget(f"leads to a forbidden address ({reason})")
    if not parsed:
        raise BadTarget("has no address")
    return sorted(parsed, key=lambda address: address.version)
