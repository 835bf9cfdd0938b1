"""May this address be connected to? Checked on the very address that is connected to, so that DNS cannot change it.

The host is resolved once, here; each address is judged, and the connection goes to an address that was judged
(no second look-up, hence no DNS rebinding). TLS and the Host header still carry the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import httpcore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA: Final = frozenset(
    ipaddress.ip_address(each)
    for each in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds tell a machine its own secrets (AWS and most others, Alibaba, Azure, Oracle, AWS by IPv6)."""
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
LOOKUPS: Final = 2
"""Threads in which names are looked up, for each department: a name server that hangs holds up nobody else."""


class ForbiddenAddress(Exception):  # noqa: N818 - the remedy is not to connect
    """The host has no address that may be connected to."""


def forbidden(address: Address, *, allow_private: bool) -> str:
    """Say why an address may not be connected to; empty when it may."""
    inner = embedded(address)
    if inner is not None:
        return forbidden(inner, allow_private=allow_private)
    if address in METADATA:
        return "it is a cloud's metadata service"
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        return "it is unspecified, multicast or link-local"
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return "it is site-local"
    if address.is_global:
        return ""
    if address.is_reserved and not address.is_loopback:
        return "it is reserved"
    return "" if allow_private else "it is private or loopback: set allow_private when it is meant"


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address to which an IPv6 address leads in the end."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def _resolve(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that may be connected to, and to no others."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Callable[[str, int], list[Any]] = _resolve,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """Look names up in threads of its own."""
        self._allow_private = allow_private
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-names")
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that may be and answers."""
        error: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._permitted(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: a target is a host."""
        del timeout, socket_options
        raise ForbiddenAddress(f"{path} is no host")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _permitted(self, host: str, port: int) -> list[str]:
        """Give the addresses of a host that may be connected to; raises ForbiddenAddress when none may."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._resolve, host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be looked up") from error
        addresses = list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
        judged = [(each, forbidden(each, allow_private=self._allow_private)) for each in addresses]
        permitted = [str(address) for address, why in judged if not why]
        if judged and not permitted:
            raise ForbiddenAddress(f"{host} is {judged[0][0]}, and {judged[0][1]}")
        return permitted

    def close(self) -> None:
        """End the threads; a look-up that hangs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
