"""Network addresses, as far as they tell one client from another."""

from ipaddress import IPv6Address, ip_address


def network_of(address: str) -> str:
    """What one client can change its address within: an IPv6 /64, or the address itself (RFC 6177)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
