"""Which id does a thing get? Ids follow from what they name, so that doing a thing twice names it once."""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is misread or misheard for a digit."""
TO_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
TICKET = re.compile(f"[{ALPHABET}]{{16}}")
"""80 bits: among ten million tickets the chance of two equal ids is below 1e-10."""


def _base32(data: bytes) -> str:
    return b32encode(data).rstrip(b"=").translate(TO_CROCKFORD).decode()


def digest(*parts: str, size: int = 20) -> bytes:
    """Give the same bytes for the same parts, always; parts are kept apart from each other."""
    state = hashlib.blake2b(digest_size=size)
    for part in parts:
        data = part.encode()
        state.update(len(data).to_bytes(4, "big") + data)
    return state.digest()


def ticket_id(source: str, report_id: str) -> str:
    """Give the ticket id of a report, from its idempotency key (`ce_source`, `ce_id`)."""
    return _base32(digest(source, report_id, size=10))


def named(*parts: str) -> str:
    """Give a 26-letter id that follows from `parts` (a command of a sender, an update of a department)."""
    return _base32(digest(*parts, size=16))


def fact_id(ticket: str, producer: str, sequence: int) -> str:
    """Give the id of a producer's nth fact on a ticket; a re-published fact has the same id."""
    return f"{ticket}/{producer}/{sequence}"


def order_id(ticket: str, number: int) -> str:
    """Give the id of a ticket's nth order; it carries the ticket id, so that an answer finds its way."""
    return f"{ticket}-{number}"


def ticket_of_order(order: str) -> str | None:
    """Give the ticket id that an order id carries, or None when it is no order id."""
    ticket, dash, number = order.rpartition("-")
    if not dash or not (number.isascii() and number.isdecimal()):
        return None
    return ticket if is_ticket_id(ticket) else None


def is_ticket_id(text: str) -> bool:
    """Tell whether `text` has the form of a ticket id."""
    return TICKET.fullmatch(text) is not None
