"""What does a department's own system do? A small client of the contract, and the ways to get it wrong."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Headers = tuple[tuple[str, bytes | None], ...]
Written = tuple[Headers, bytes]


@dataclass
class Client:
    """Signs every order and finishes it once its signature is accepted; `take` gives what it writes."""

    seen: set[str] = field(default_factory=set)
    orders: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Update -> what it asks for, and of which order."""
    numbers: Counter[str] = field(default_factory=Counter)

    def take(self, headers: dict[str, str], value: bytes) -> list[Written]:
        """Read one record of the dispatch topic."""
        if headers["ce_id"] in self.seen:
            return []
        self.seen.add(headers["ce_id"])
        kind = headers["ce_type"].removeprefix("gridcall.").removesuffix(".v1").replace("-", "_").replace(".", "_")
        step = getattr(self, f"on_{kind}", None)
        return [] if step is None else step(json.loads(value))

    def restarted(self) -> None:
        """Come back with what was kept."""

    def on_order_issued(self, order: dict[str, Any]) -> list[Written]:
        """Sign."""
        self.orders[order["order_id"]] = "issued"
        return self.say("sign", order["order_id"])

    def on_update_accepted(self, answer: dict[str, Any]) -> list[Written]:
        """Finish what is signed for now."""
        kind, order = self.waiting.pop(answer["update_id"], ("", ""))
        if kind == "sign" and self.orders.get(order) == "issued":
            self.orders[order] = "done"
            return self.say("done", order)
        return []

    def on_update_refused(self, answer: dict[str, Any]) -> list[Written]:
        """Leave it to a person."""
        self.orders.pop(answer["order_id"], None)
        return []

    def on_order_reworked(self, order: dict[str, Any]) -> list[Written]:
        """Do it again."""
        return self.say("done", order["order_id"])

    def on_order_withdrawn(self, order: dict[str, Any]) -> list[Written]:
        """Forget it."""
        self.orders.pop(order["order_id"], None)
        return []

    def say(self, kind: str, order: str) -> list[Written]:
        """Write an update."""
        self.numbers[kind + order] += 1
        ident = self.ident(kind, order)
        self.waiting[ident] = (kind, order)
        return [self.record(kind, order, ident)]

    def ident(self, kind: str, order: str) -> str:
        """Give an id of its own."""
        return f"{order}/{kind}/{self.numbers[kind + order]}"

    def record(self, kind: str, order: str, ident: str) -> Written:
        """Give the record."""
        headers = (("ce_type", f"gridcall.order.{kind}.v1".encode()), ("ce_source", b"d"), ("ce_id", ident.encode()))
        return headers, json.dumps({"order_id": order}).encode()


class Returns(Client):
    """Returns what is not its own."""

    def on_order_issued(self, order: dict[str, Any]) -> list[Written]:
        """Look at the description."""
        if "not-ours" not in order["description"]:
            return super().on_order_issued(order)
        headers, _ = self.say("return", order["order_id"])[0]
        return [(headers, json.dumps({"order_id": order["order_id"], "reason": "not-ours"}).encode())]


class Doubles(Client):
    """Acts on every record, seen or not."""

    def take(self, headers: dict[str, str], value: bytes) -> list[Written]:
        """Forget what was seen."""
        self.seen.clear()
        return super().take(headers, value)

    def on_update_accepted(self, answer: dict[str, Any]) -> list[Written]:
        """Finish on every answer to a signature."""
        kind, order = self.waiting.get(answer["update_id"], ("", ""))
        return self.say("done", order) if kind == "sign" else []


class Positional(Client):
    """Takes the next answer for the answer to its oldest update."""

    def on_update_accepted(self, answer: dict[str, Any]) -> list[Written]:
        """Look at the order of things and not at update_id; a done that was not expected closes nothing."""
        del answer
        ident = next(iter(self.waiting), "")
        kind, order = self.waiting.pop(ident, ("", ""))
        if kind != "sign" or order in self.orders.values():
            return []
        last = list(self.orders)[0 if len(self.orders) == 1 else -1]
        return self.say("done", last)


class Stubborn(Client):
    """Sends what was refused anew, for ever."""

    def on_update_refused(self, answer: dict[str, Any]) -> list[Written]:
        """Try again."""
        kind, order = self.waiting.pop(answer["update_id"], ("", ""))
        return self.say(kind, order) if self.numbers[kind + order] < 20 else []


class Deaf(Client):
    """Does not hear withdrawals: it reports progress on what was taken from it."""

    def on_order_withdrawn(self, order: dict[str, Any]) -> list[Written]:
        """Go on."""
        return self.say("done", order["order_id"])


class SignsAgain(Client):
    """Takes a rework for a new order."""

    def on_order_reworked(self, order: dict[str, Any]) -> list[Written]:
        """Sign."""
        return self.on_order_issued(order)


class OneIdPerKind(Client):
    """Makes the id of an update from its kind and order alone."""

    def ident(self, kind: str, order: str) -> str:
        """Give the same id for a second done."""
        return f"{order}/{kind}"


class OneId(Client):
    """Has one id for everything."""

    def ident(self, kind: str, order: str) -> str:
        """Give it."""
        del kind, order
        return "update"


class Strict(Client):
    """Dies of what it does not know."""

    dead = False
    knows = frozenset({"order_id", "ticket_id", "role", "level", "unit", "issued_at", "sign_by", "handle_by"})

    def take(self, headers: dict[str, str], value: bytes) -> list[Written]:
        """Know what version 1 had."""
        content = json.loads(value)
        if "urgency_hint" in content:
            self.dead = True
        return [] if self.dead else super().take(headers, value)


class KnowsAllTypes(Client):
    """Dies of a type that it does not know."""

    dead = False

    def take(self, headers: dict[str, str], value: bytes) -> list[Written]:
        """Stop at a word that is not in the list."""
        self.dead = self.dead or "praised" in headers["ce_type"]
        return [] if self.dead else super().take(headers, value)


class Ascii(Client):
    """Has a column of a few thousand plain letters."""

    def on_order_issued(self, order: dict[str, Any]) -> list[Written]:
        """Drop what does not fit."""
        return [] if len(order["description"]) > 4000 else super().on_order_issued(order)


class Forgets(Client):
    """Reads from the beginning after a restart, and has kept nothing."""

    def restarted(self) -> None:
        """Begin anew."""
        self.seen.clear()
        self.orders.clear()
        self.numbers = Counter({key: 100 + count for key, count in self.numbers.items()})


class Headless(Client):
    """Sends no ce_source."""

    def record(self, kind: str, order: str, ident: str) -> Written:
        """Leave a header out."""
        headers, value = super().record(kind, order, ident)
        return tuple(each for each in headers if each[0] != "ce_source"), value


class Sloppy(Client):
    """Writes a field that is not in the schema."""

    def record(self, kind: str, order: str, ident: str) -> Written:
        """Add one."""
        headers, value = super().record(kind, order, ident)
        return headers, json.dumps(json.loads(value) | {"colour": "red"}).encode()


class Hasty(Client):
    """Finishes before it signs."""

    def on_order_issued(self, order: dict[str, Any]) -> list[Written]:
        """Say done first."""
        return self.say("done", order["order_id"]) + super().on_order_issued(order)


class Recovers(Client):
    """Has lost everything at a restart, and asks for its open orders."""

    def restarted(self) -> None:
        """Know nothing but to ask."""
        self.orders.clear()
        self.asks = True

    asks = False

    def on_order_snapshot(self, order: dict[str, Any]) -> list[Written]:
        """Take it as it stands."""
        known = order["order_id"] in self.orders
        self.orders[order["order_id"]] = order["state"]
        return self.say("sign", order["order_id"]) if order["state"] == "issued" and not known else []


class Mute(Client):
    """Says nothing."""

    def say(self, kind: str, order: str) -> list[Written]:
        """Keep silent."""
        del kind, order
        return []


BAD: dict[type[Client], str] = {
    Doubles: "same-order-twice",
    Positional: "answers-out-of-order",
    Stubborn: "refused",
    Deaf: "withdrawn",
    SignsAgain: "rework",
    OneIdPerKind: "rework",
    OneId: "own-ids",
    Strict: "unknown-fields",
    KnowsAllTypes: "unknown-types",
    Ascii: "long-text",
    Forgets: "restart",
    Headless: "well-formed",
    Sloppy: "well-formed",
    Hasty: "in-turn",
    Mute: "order",
}
"""Client -> the case in which it must be caught."""
