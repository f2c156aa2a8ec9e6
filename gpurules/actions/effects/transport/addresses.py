"""Which IP addresses are public, whatever form an address of a private network is wrapped in."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_GLOBAL = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"), IPv6Network("2001::/23"))
"""Documentation, and protocol assignments: not every version of Python knows them all as private."""
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32_BITS = (
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated
    _NAT64,
)
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet, so that it leads into no private network.

    An IPv6 address that carries an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP) is public
    only where that one is. The local-use prefix of NAT64, ``64:ff9b:1::/48``, is not, since it is for private networks.

    Source: IANA special-purpose address registries, RFC 6052, RFC 8215, RFC 3056, RFC 4380, RFC 5214.

    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1"), is_public("224.0.0.1")
    (True, False, False, False)
    >>> is_public("64:ff9b::8.8.8.8"), is_public("64:ff9b::10.0.0.1"), is_public("2002:7f00:1::")
    (True, False, False)
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return _is_global(parsed)
    carried = list(_carried(parsed))
    if not all(map(_is_global, carried)):
        return False
    is_outside = parsed in _GLOBAL_UNICAST and not any(parsed in network for network in _NOT_GLOBAL)
    is_mapped = parsed.ipv4_mapped is not None or parsed in _NAT64
    return is_mapped or (is_outside and (bool(carried) or (parsed.is_global and not parsed.is_multicast)))


def _is_global(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that packets to *address* may be sent on to."""
    bits = int(address)
    low = IPv4Address(bits & 0xFFFF_FFFF)
    if any(address in network for network in _LOW_32_BITS) or (bits >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield low
    if address in _SIX_TO_FOUR:
        yield IPv4Address((bits >> 80) & 0xFFFF_FFFF)
    if address in _TEREDO:
        yield IPv4Address((bits >> 64) & 0xFFFF_FFFF)
        yield IPv4Address(int(low) ^ 0xFFFF_FFFF)
