"""A department's client: signs for every order, says how it stands, finishes it, and hears what changes meanwhile.

    python client.py 127.0.0.1:9092 huanwei

KAFKA_USER, KAFKA_PASSWORD and KAFKA_CA (a PEM file) log in to a city's brokers. It keeps nothing on disk: the id of
each update follows from the order, so that one that is written twice is carried out once. Your own system stands
where `work` is.
"""

import asyncio
import json
import os
import ssl
import sys
from collections import deque
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError

Update = tuple[str, str, int, dict[str, Any]]  # step, order, attempt, what else it says
over: set[str] = set()  # orders that nobody waits for any more


def read(kind: str, value: bytes | None) -> Update | None:
    """Give the update to write, if any. What cannot be read is said and left behind: it must not stop the rest."""
    try:
        update = answer(kind, json.loads(value or b""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        say(f"unreadable {kind}: {error!r}")
        return None
    return None if update is None or update[1] in over else update


def answer(kind: str, body: dict[str, Any]) -> Update | None:
    """Give the next step of an order."""
    order = body.get("order_id", "")
    match kind:
        case "gridcall.order.issued.v1" | "gridcall.order.snapshot.v1":  # a snapshot says how it stands
            say(f"issued {order} by {body['handle_by']}: {body['description']}")
            if (state := body.get("state", "issued")) == "issued":
                return ("sign", order, body["attempt"], {"by": "shift leader"})
            return work("sign", order, body["attempt"]) if state == "signed" else None
        case "gridcall.order.reworked.v1":
            say(f"reworked {order} by {body['handle_by']}: {body['reason']}")
            return ("progress", order, body["attempt"], {"note": "We go there again."})
        case "gridcall.order.withdrawn.v1" | "gridcall.order.closed.v1":
            over.add(order)
            say(f"over {order}: {body.get('reason') or body.get('outcome')}")
        case "gridcall.order.changed.v1":
            changes = ", ".join(f"{name} is now {each['new']}" for name, each in body["changes"].items())
            say(f"changed {order}: {changes} ({body['reason']})")
        case "gridcall.order.reminded.v1" | "gridcall.order.escalated.v1":
            say(f"watch {order}: {body.get('due_at') or body.get('to_level')}")
        case "gridcall.update.refused.v1":
            say(f"refused {order} {body['update_id']}: {body['reason']}: {body['detail']}")
        case "gridcall.update.accepted.v1" if body["update_id"].startswith(f"{order}/"):
            _, step, attempt = body["update_id"].split("/")
            say(f"accepted {order} {step}")
            return work(step, order, int(attempt))
        case _:
            say(f"ignored {kind} {order}")  # new types may come at any time
    return None


def work(done: str, order: str, attempt: int) -> Update | None:
    """Give what comes after a step that was accepted: here the work is done at once."""
    if done == "sign":
        return ("progress", order, attempt, {"note": "We are on our way."})
    if done == "progress":
        return ("done", order, attempt, {"result": "fixed", "detail": "It is in order again."})
    return None


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def security() -> dict[str, Any]:
    """Give how to log in."""
    if not (user := os.environ.get("KAFKA_USER")):
        return {}
    context = ssl.create_default_context(cafile=os.environ.get("KAFKA_CA"))
    login = {"sasl_plain_username": user, "sasl_plain_password": os.environ["KAFKA_PASSWORD"]}
    return {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "ssl_context": context, **login}


async def main(bootstrap: str, department: str) -> None:
    """Read and answer for ever; an offset is committed when the answer has been taken by the brokers."""
    topic, updates = f"gridcall.dispatch.{department}", f"gridcall.updates.{department}"
    reading = {"group_id": f"department-{department}", "auto_offset_reset": "earliest", "enable_auto_commit": False}
    seen: deque[str] = deque(maxlen=10_000)
    async with (
        AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **reading, **security()) as consumer,
        AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **security()) as producer,
    ):
        say(f"{department} listens")
        async for record in consumer:
            told = {name: (raw or b"").decode("utf-8", "replace") for name, raw in record.headers}
            ident = told.get("ce_id", "")
            if ident in seen:
                say(f"again {ident}")
            elif update := read(told.get("ce_type", ""), record.value):
                step, order, attempt, more = update
                value = json.dumps({"order_id": order} | more).encode()
                headers = {"ce_type": f"gridcall.order.{step}.v1", "ce_source": f"{department}/example"}
                headers["ce_id"] = f"{order}/{step}/{attempt}"
                written = [(name, text.encode()) for name, text in headers.items()]
                await producer.send_and_wait(updates, value, order.encode(), headers=written)
            seen.append(ident)
            try:
                await consumer.commit({TopicPartition(topic, record.partition): record.offset + 1})
            except CommitFailedError:
                say("another client of the group took over: it reads this again, and its update has the same id")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
