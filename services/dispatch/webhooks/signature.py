"""Who sent this, and is it as it was sent? HMAC-SHA256 as the Standard Webhooks specification says.

The signature covers id, time and body: `webhook-signature: v1,<base64>` over `<webhook-id>.<webhook-timestamp>.<body>`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Final

from shared.http import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE_S: Final = 300
LONGEST: Final = 512
"""Characters of an id."""
MOST: Final = 10
"""Signatures of one request that are looked at."""
LONGEST_TIMESTAMP: Final = 12


def _digest(key: bytes, ident: str, seconds: str, body: bytes) -> bytes:
    return hmac.digest(key, f"{ident}.{seconds}.".encode() + body, "sha256")


def signed(keys: Sequence[bytes], ident: str, now: datetime, body: bytes) -> dict[str, str]:
    """Give the three headers; each key signs, so that a receiver may know the old or the new one."""
    seconds = str(int(now.timestamp()))
    signatures = (base64.b64encode(_digest(key, ident, seconds, body)).decode() for key in keys)
    return {ID: ident, TIMESTAMP: seconds, SIGNATURE: " ".join(f"v1,{each}" for each in signatures)}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], now: datetime, body: bytes) -> str:
    """Give the id of a request that one of the keys has signed within five minutes; raises Problem 401."""
    ident, seconds, signatures = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (ident and seconds and signatures) or len(ident) > LONGEST:
        raise unsigned(f"send {ID}, {TIMESTAMP} and {SIGNATURE} as the Standard Webhooks specification says")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= LONGEST_TIMESTAMP):
        raise unsigned(f"{TIMESTAMP} is no whole number of seconds since 1970: send it so, and sign it")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE_S:
        raise unsigned(f"{TIMESTAMP} is more than {TOLERANCE_S // 60} minutes off: set your clock, and sign anew")
    given = [found for each in signatures.split(" ")[:MOST] if (found := _bytes(each)) is not None]
    right = [_digest(key, ident, seconds, body) for key in keys]
    if not any(hmac.compare_digest(a, b) for a in given for b in right):
        raise unsigned(f"no signature in {SIGNATURE} is right: sign '<id>.<timestamp>.<body>' with this secret")
    return ident


def _bytes(signature: str) -> bytes | None:
    """Give the bytes of a signature of version 1; None for all that is none."""
    version, _, encoded = signature.partition(",")
    if version != "v1":
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def unsigned(detail: str) -> Problem:
    """Give the answer to whoever has not shown who they are."""
    return Problem(401, "Not signed as it must be", detail, headers={"WWW-Authenticate": "Bearer"})
