"""May a target be anything inside our own network? No; and whatever it does, it costs only its own time-out."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.dispatch.webhooks.addresses import ForbiddenAddress, GuardedBackend, forbidden
from services.dispatch.webhooks.file import Entry, HttpDepartment, Reference
from services.dispatch.webhooks.target import MOST_READ, Result, Target
from shared.clock import RealClock
from tests.support.http_target import HttpTarget

KEY = bytes(range(32))


def target(url: str, backend: GuardedBackend | None = None, **changes: Any) -> Target:
    """Give a target as the file would describe it."""
    given = {"allow_private": True, "allow_http": True, "timeout_s": 5.0} | changes
    entry = Entry(department="x", url=url, secrets=(Reference(env="X"),), **given)
    return Target(HttpDepartment(entry, "x", (KEY,), None), RealClock(), backend)


async def outcome(where: Target) -> Result:
    """Post once."""
    try:
        return await where.post("id", b"{}")
    finally:
        await where.close()


NEVER = [
    "0.0.0.0",  # noqa: S104 - it is not listened on
    "169.254.169.254",
    "169.254.1.1",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "239.1.1.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "fd00:ec2::254",
    "fec0::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "::ffff:127.0.0.1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    """Metadata services, link-local, multicast and the like: not even where private networks are allowed."""
    assert forbidden(ipaddress.ip_address(address), allow_private=True)
    assert forbidden(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_when_allowed(address: str) -> None:
    """Also where the private address is wrapped in another."""
    assert forbidden(ipaddress.ip_address(address), allow_private=False)
    assert not forbidden(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    """The ordinary case."""
    assert not forbidden(ipaddress.ip_address(address), allow_private=False)


class Recorder(httpcore.AsyncNetworkBackend):
    """Notes where a connection would go."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def connect_tcp(self, host: str, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Refuse after noting."""
        del args, kwargs
        self.asked.append(host)
        raise httpcore.ConnectError("no")


def resolving(*answers: list[str]) -> Any:
    """Give a look-up that answers one after the other."""
    rest = list(answers)

    def resolve(_host: str, port: int) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in rest.pop(0)]

    return resolve


async def test_the_address_that_was_judged_is_the_one_connected_to() -> None:
    """A name that answers with a public address first and a private one later is looked up once."""
    inner = Recorder()
    backend = GuardedBackend(allow_private=False, resolve=resolving(["93.184.216.34"], ["127.0.0.1"]), inner=inner)
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("rebinding.example", 443)
    with pytest.raises(ForbiddenAddress, match="private or loopback"):
        await backend.connect_tcp("rebinding.example", 443)
    assert inner.asked == ["93.184.216.34"]
    backend.close()


async def test_of_several_addresses_only_the_permitted_ones_are_tried() -> None:
    """A name with a private and a public address leads to the public one."""
    inner = Recorder()
    backend = GuardedBackend(allow_private=False, resolve=resolving(["10.0.0.1", "1.1.1.1", "::1"]), inner=inner)
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("both.example", 443)
    assert inner.asked == ["1.1.1.1"]
    backend.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_a_server_of_this_machine_is_not_asked(host: str) -> None:
    """However its address is written."""
    async with HttpTarget() as server:
        result = await outcome(target(f"http://{host}:{server.port}/", allow_private=False))
        assert result.outcome == "forbidden", result
        assert server.posted == []


async def test_a_server_that_is_allowed_gets_a_signed_event() -> None:
    """With the three headers; the connection is used again."""
    async with HttpTarget() as server:
        where = target(server.url)
        assert (await where.post("a", b'{"x":1}')).delivered
        assert (await where.post("b", b'{"x":2}')).delivered
        await where.close()
        assert [posted.headers["webhook-id"] for posted in server.posted] == ["a", "b"]
        assert server.posted[0].headers["content-type"] == "application/cloudevents+json"
        assert server.posted[0].headers["host"] == f"127.0.0.1:{server.port}"


def certified(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Give a certificate of a name that nobody else vouches for, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = RealClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return public, context


@pytest.mark.parametrize(
    ("name", "trusted", "expected"),
    [("localhost", True, "delivered"), ("localhost", False, "unreachable"), ("other.example", True, "unreachable")],
)
async def test_tls_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, *, name: str, trusted: bool, expected: str
) -> None:
    """The connection goes to the address that was judged; the certificate must be of the host, by a known authority."""
    public, context = certified(tmp_path, name)
    async with HttpTarget(tls=context) as server:
        where = target(f"https://localhost:{server.port}/", ca_file=public if trusted else None)
        assert (await outcome(where)).outcome == expected
        assert len(server.posted) == (expected == "delivered")


async def test_a_redirect_is_not_followed() -> None:
    """It is an error of the target."""
    async with HttpTarget() as other, HttpTarget(behaviour="redirect", location=other.url) as server:
        result = await outcome(target(server.url))
        assert (result.outcome, result.delivered) == ("answered", False)
        assert "redirect" in result.detail
        assert other.posted == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name itself, and reach what we may not."""
    async with HttpTarget() as proxy, HttpTarget() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await outcome(target(server.url))).delivered
        assert (len(proxy.posted), len(server.posted)) == (0, 1)


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
async def test_a_target_without_an_answer_ends_in_a_time_out(behaviour: str) -> None:
    """Nothing comes, or a head that never ends."""
    async with HttpTarget(behaviour=behaviour) as server:
        assert (await outcome(target(server.url, timeout_s=0.5))).outcome in {"timeout", "unreachable"}
        assert len(server.posted) == 1


async def test_an_endless_answer_is_not_read() -> None:
    """Its head says that it was taken; of the body no more than a little is read, and the connection is closed."""
    async with HttpTarget(behaviour="endless") as server:
        assert (await outcome(target(server.url))).delivered
        assert server.written < 64 * MOST_READ  # what stands in the buffers of both sides


async def test_a_name_server_that_hangs_holds_up_nobody_else() -> None:
    """Names are looked up in threads of the department's own, and within its time-out."""
    hanging = threading.Event()

    def resolve(_host: str, _port: int) -> list[Any]:
        hanging.wait(30)
        return []

    slow = target("http://hangs.example/", GuardedBackend(allow_private=True, resolve=resolve), timeout_s=0.3)
    results = [await slow.post("id", b"{}") for _ in range(4)]
    assert {result.outcome for result in results} == {"timeout"}
    async with HttpTarget() as server:
        assert (await outcome(target(server.url))).delivered
    hanging.set()
    await slow.close()


async def test_an_answer_says_when_to_come_again() -> None:
    """Retry-After in seconds; anything else is nothing."""
    async with HttpTarget(behaviour="429", headers={"Retry-After": "17"}) as server:
        assert (await outcome(target(server.url))).retry_after_s == 17
    async with HttpTarget(behaviour="500", headers={"Retry-After": "9" * 50}) as server:
        assert (await outcome(target(server.url))).retry_after_s == 0


async def test_nobody_listens() -> None:
    """A port without a server is an attempt that failed."""
    async with HttpTarget() as server:
        url = server.url
    assert (await outcome(target(url))).outcome == "unreachable"
