"""Which addresses are public, in every form that carries another address."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.actions.effects.transport.addresses import is_public

PUBLIC = ("8.8.8.8", "93.184.216.34", "1.1.1.1")
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.2.1",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
)  # fmt: skip


def bits(address: str) -> int:
    return int(IPv4Address(address))


FORMS = {
    "mapped": lambda v4: bits("0.0.0.0") | 0xFFFF << 32 | bits(v4),
    "compatible": bits,
    "translated": lambda v4: 0xFFFF << 48 | bits(v4),
    "NAT64": lambda v4: int(IPv6Address("64:ff9b::")) | bits(v4),
    "6to4": lambda v4: 0x2002 << 112 | bits(v4) << 80 | 1,
    "Teredo server": lambda v4: 0x20010000 << 96 | bits(v4) << 64 | (bits("8.8.8.8") ^ 0xFFFFFFFF),
    "Teredo client": lambda v4: 0x20010000 << 96 | bits("8.8.8.8") << 64 | (bits(v4) ^ 0xFFFFFFFF),
    "ISATAP": lambda v4: int(IPv6Address("2606:4700::")) | 0x5EFE << 32 | bits(v4),
    "ISATAP of a global address": lambda v4: int(IPv6Address("2606:4700::")) | 0x02005EFE << 32 | bits(v4),
}


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("form", FORMS)
def test_a_private_address_is_private_in_every_form(form: str, address: str) -> None:
    assert not is_public(str(IPv6Address(FORMS[form](address))))
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("form", ["mapped", "NAT64", "6to4", "ISATAP"])
def test_a_public_address_is_public_where_the_form_is_routed(form: str, address: str) -> None:
    assert is_public(str(IPv6Address(FORMS[form](address))))
    assert is_public(address)


@pytest.mark.parametrize("address", ["2606:4700:4700::1111", "2a00:1450:4001:80e::200e"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "ff0e::1", "100::1",
        "2001:db8::1", "3fff::1", "5f00::1", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1", "4000::1",
    ],
)  # fmt: skip
def test_an_address_of_no_public_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_no_form_makes_an_address_more_public_than_it_is(address: IPv4Address) -> None:
    for form in FORMS.values():
        assert is_public(str(address)) or not is_public(str(IPv6Address(form(str(address)))))
