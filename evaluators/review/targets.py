"""Which addresses a webhook may call: a caller must not reach, through us, what he can't reach himself.

The form of the URL is checked when it comes in, the address it leads to when it is called; the connection is made to
the very address that was checked, so a name that changes meanwhile (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from concurrent.futures import Executor
from urllib.parse import SplitResult, urlsplit

from signalbox.errors import InvalidInput, UpstreamError

MAX_URL = 2_000
_INNER_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_FIELD = "webhook_url"
# As of RFC 1035.
_MAX_NAME = 253
_MAX_LABEL = 63
_UNSAFE = re.compile(r"[^\x21-\x7e]|[\\<>\"{}|^`]")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str, *, allow_private: bool) -> str:
    """The URL, if it may be stored to be called later. Names are not looked up here.

    Raises:
        InvalidInput: it is no plain http or https URL, or names this machine or a private network.
    """
    if len(url) > MAX_URL or _UNSAFE.search(url):
        raise InvalidInput(
            f"webhook_url must be a URL of at most {MAX_URL:,} printable ASCII characters; encode others.",
            field=_FIELD,
        )
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https"):
        raise InvalidInput("webhook_url must be an http or https URL, as https://example.com/hook.", field=_FIELD)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("webhook_url must not carry a user or password; put a secret into its path.", field=_FIELD)
    if parts.fragment:
        raise InvalidInput("webhook_url has a fragment (#…), which no server ever sees; remove it.", field=_FIELD)
    host = _name(parts)
    address = _literal(host)
    if address is None and not _may_be_looked_up(host):
        raise InvalidInput(
            f"webhook_url names {host[:200]!r}, which can't be a host name: names have at most {_MAX_NAME} characters, "
            f"and between two dots 1 to {_MAX_LABEL}. Correct it.",
            field=_FIELD,
        )
    inner = host in _INNER_NAMES or host.endswith(tuple(f".{name}" for name in _INNER_NAMES))
    if not allow_private and (inner or (address is not None and not is_public(address))):
        raise InvalidInput(
            f"webhook_url leads to {host[:200]}, which is not on the public internet. Use a public address, or set "
            "SIGNALBOX_WEBHOOK_ALLOW_PRIVATE=true if all who may ask may also call addresses inside your network.",
            field=_FIELD,
        )
    return url


def host_of(url: str) -> str:
    """Whose calls are counted together: whatever the port, since an asker may name as many as he likes."""
    return _name(urlsplit(url))


def port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_public(address: Address) -> bool:
    """Whether it is on the public internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


LookUp = asyncio.Future[list[Address]]


def look_up(url: str, threads: Executor) -> LookUp:
    """The addresses that the URL's host leads to; a thread is busy until it is done, however long the system takes."""

    def work() -> list[Address]:
        parts = urlsplit(url)
        found = socket.getaddrinfo(parts.hostname or "", port_of(parts), type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]

    return asyncio.get_running_loop().run_in_executor(threads, work)


async def resolve(url: str, looking: LookUp, *, allow_private: bool) -> str:
    """The address to connect to, of those that `looking` finds. Cancelling this leaves `looking` as it is.

    Raises:
        UpstreamError: the name leads nowhere, or to an address that may not be called.
    """
    host = urlsplit(url).hostname or ""
    try:
        addresses = await asyncio.shield(looking)
    except (OSError, UnicodeError) as error:  # the latter for names that can't be written as DNS wants them
        reason = getattr(error, "strerror", None) or error
        raise UpstreamError(f"{host} can't be looked up ({reason}).") from None
    # One address inside is enough to refuse: which of them is tried first is not for the asker's DNS to say.
    refused = [address for address in addresses if not _callable(address, allow_private=allow_private)]
    if refused or not addresses:
        raise UpstreamError(f"{host} leads to {refused[0] if refused else 'no address'}, which may not be called.")
    return str(addresses[0])


def _callable(address: Address, *, allow_private: bool) -> bool:
    if allow_private:
        return not (address.is_multicast or address.is_unspecified)
    return is_public(address)


def _name(parts: SplitResult) -> str:
    return (parts.hostname or "").removesuffix(".").lower()


def _may_be_looked_up(host: str) -> bool:
    return len(host) <= _MAX_NAME and all(1 <= len(label) <= _MAX_LABEL for label in host.split("."))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    # 127.1, 0x7f000001, 2130706433: not written as an address should be, and yet called as one.
    if re.fullmatch(r"[0-9a-fx.]+", host) and re.search(r"\d", host.rpartition(".")[2]):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return None


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if complete else None
