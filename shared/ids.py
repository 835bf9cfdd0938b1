"""Which id does a thing get? Ids follow from what they name, so that doing a thing twice names it once."""

from __future__ import annotations

import hashlib

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is misread or misheard for a digit."""
TICKET_LENGTH = 16
"""80 bits: among ten million tickets the chance of two equal ids is below 1e-10."""


def _base32(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, index = divmod(number, 32)
        letters.append(ALPHABET[index])
    return "".join(reversed(letters))


def digest(*parts: str, bits: int = 160) -> int:
    """Give the same number for the same parts, always; parts are kept apart from each other."""
    data = b"".join(len(part := p.encode()).to_bytes(4, "big") + part for p in parts)
    return int.from_bytes(hashlib.blake2b(data, digest_size=bits // 8).digest(), "big")


def ticket_id(source: str, report_id: str) -> str:
    """Give the ticket id of a report, from its idempotency key (`ce_source`, `ce_id`)."""
    return _base32(digest(source, report_id, bits=80), TICKET_LENGTH)


def named(*parts: str) -> str:
    """Give a 26-letter id that follows from `parts` (a command of a sender, an update of a department)."""
    return _base32(digest(*parts, bits=128), 26)


def fact_id(ticket: str, producer: str, sequence: int) -> str:
    """Give the id of a producer's nth fact on a ticket; a re-published fact has the same id."""
    return f"{ticket}/{producer}/{sequence}"


def order_id(ticket: str, number: int) -> str:
    """Give the id of a ticket's nth order; it carries the ticket id, so that an answer finds its way."""
    return f"{ticket}-{number}"


def ticket_of_order(order: str) -> str | None:
    """Give the ticket id that an order id carries, or None when it is no order id."""
    ticket, dash, number = order.rpartition("-")
    if not dash or not number.isdecimal() or len(ticket) != TICKET_LENGTH:
        return None
    return ticket if all(letter in ALPHABET for letter in ticket) else None


def is_ticket_id(text: str) -> bool:
    """Tell whether `text` has the form of a ticket id."""
    return len(text) == TICKET_LENGTH and all(letter in ALPHABET for letter in text)
