"""What does Kafka carry, told in AsyncAPI 3? Made from the registry of messages, the topics and the golden files.

An operation is told as its reader acts: a department *receives* orders and *sends* updates.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from pydantic.json_schema import models_json_schema

from deploy.schemas import CONTRACT, contract_version, example, explain
from shared import envelope, topics
from shared.envelope import MAX_ATTRIBUTE, Envelope
from shared.ids import ticket_of_order
from shared.messages import REGISTRY, Body
from shared.settings import Settings

FILE = CONTRACT / "asyncapi.yaml"
BINDING: Final = "0.5.0"
DEPARTMENT: Final = "{department}"
TICKET: Final = "7K3M9Q2DXW5T8H4B"
AT: Final = datetime(2026, 11, 22, 4, 5, 6, 789000, tzinfo=UTC)

Json = dict[str, Any]


class Channel(NamedTuple):
    """A topic as its reader sees it."""

    name: str
    topic: str
    title: str
    about: str
    key: str


CHANNELS: Final = (
    Channel(
        "dispatch",
        topics.dispatch_topic(DEPARTMENT),
        "Orders to one department",
        "Orders, what becomes of them, and one answer to each update; in order per ticket. Nothing in it tells who "
        "asked. A message may come twice, then with the same ce_id. Types and fields that are new are to be ignored.",
        "Id of the ticket; of a snapshot's start and end its resync_id.",
    ),
    Channel(
        "updates",
        topics.updates_topic(DEPARTMENT),
        "What one department answers",
        "Each record is answered on the department's dispatch topic, its ce_id as update_id. (ce_source, ce_id) is the "
        "idempotency key: the same record again gets the same answer. A field that is not in the schema is refused. "
        "What cannot be answered, since its order cannot be known, goes to the dead letters.",
        "Id of the order or of its ticket: the updates of one order stay in order.",
    ),
    Channel(
        "reports",
        topics.REPORTS,
        "Reports of hotlines and apps",
        "Read by intake alone and kept for a day, since it holds personal data. Answered on the receipts.",
        "Anything; reports under one key stay in order.",
    ),
    Channel(
        "receipts",
        topics.RECEIPTS,
        "What became of each report",
        "ce_causation names the ce_id of the report.",
        "ce_source of the report.",
    ),
    Channel(
        "deadLetters",
        topics.DEAD_LETTERS,
        "What no service could read",
        "The record as it came, where it came from and what is wrong with it; personal data is taken out first.",
        "Key of the record, when it was text.",
    ),
    Channel(
        "tickets",
        topics.TICKETS,
        "The ticket log (internal)",
        "Everything that happens to a ticket, in order. Only gridcall's own services read and write it.",
        "Id of the ticket.",
    ),
)


def channel_of(body: type[Body]) -> str:
    """Give the name of the channel on which a message travels."""
    if body.kind == "answer":
        return "dispatch" if body.producer else "deadLetters"
    by_kind = {"order": "dispatch", "update": "updates", "report": "reports", "receipt": "receipts"}
    return by_kind.get(body.kind, "tickets")


def carried(channel: str) -> list[str]:
    """Give the wire types that a channel carries."""
    return sorted(name for name, body in REGISTRY.items() if channel_of(body) == channel)


def document() -> Json:
    """Give the whole document."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:gridcall:contract",
        "info": {
            "title": "gridcall",
            "version": contract_version(),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": "department"}, {"name": "hotline"}, {"name": "operator"}, {"name": "internal"}],
        },
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": {each.name: _channel(each) for each in CHANNELS},
        "operations": _operations(),
        "components": {
            "messages": {name: _message(REGISTRY[name]) for each in CHANNELS for name in carried(each.name)},
            "schemas": {"HeadersToGridcall": _headers(TO_GRIDCALL), "HeadersOfGridcall": _headers(OF_GRIDCALL)}
            | _bodies(),
            "correlationIds": {
                "update": {
                    "description": "The ce_id of a record to gridcall comes back as ce_causation of each answer.",
                    "location": "$message.header#/ce_id",
                },
                "answer": {
                    "description": "The ce_id of what this follows from.",
                    "location": "$message.header#/ce_causation",
                },
            },
            "securitySchemes": SECURITY,
        },
    }


ABOUT: Final = (
    "What Kafka carries between hotlines, departments and gridcall. Messages are CloudEvents 1.0 in Kafka's binary "
    "mode: the envelope stands in the headers, the value is one JSON object. An added optional field is no new "
    "version; another meaning is a new wire type. Operations are told from the point of view of whoever reads this: "
    "`receive` is what a department or a hotline reads, `send` is what it writes."
)
SERVERS: Final[Json] = {
    "local": {
        "host": "127.0.0.1:9092",
        "protocol": "kafka",
        "description": "What `make run` starts on this machine.",
        "tags": [{"name": "department"}, {"name": "hotline"}],
    },
    "city": {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": "A city's own brokers: TLS, and a user who may read the department's dispatch topic and write "
        "its updates topic, and nothing else.",
        "variables": {
            "bootstrap": {"description": "Given by the city with the user.", "default": "kafka.example:9093"}
        },
        "security": [
            {"$ref": "#/components/securitySchemes/scramSha512"},
            {"$ref": "#/components/securitySchemes/scramSha256"},
            {"$ref": "#/components/securitySchemes/clientCertificate"},
        ],
    },
}
SECURITY: Final[Json] = {
    "scramSha512": {"type": "scramSha512", "description": "SASL_SSL with SCRAM-SHA-512."},
    "scramSha256": {"type": "scramSha256", "description": "SASL_SSL with SCRAM-SHA-256."},
    "clientCertificate": {"type": "X509", "description": "SSL with a client certificate of the city's authority."},
}


def _channel(channel: Channel) -> Json:
    settings = Settings.model_construct()
    specs = topics.topic_specs([DEPARTMENT], settings.log_partitions, settings.department_partitions)
    (spec,) = [each for each in specs if each.name == channel.topic]
    configuration = {"retention.ms": spec.retention_ms, "max.message.bytes": spec.max_message_bytes}
    made: Json = {
        "address": channel.topic,
        "title": channel.title,
        "description": channel.about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in carried(channel.name)},
        "bindings": {
            "kafka": {
                "partitions": spec.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"]} | configuration,
                "bindingVersion": BINDING,
            }
        },
    }
    if DEPARTMENT in channel.topic:
        about = "The department's topic name in the city's profile: small letters, digits and hyphens."
        made["parameters"] = {"department": {"description": about, "examples": ["huanwei", "shizheng"]}}
    return made


# ---------------------------------------------------------------- operations


def _operations() -> Json:
    """Give what a reader of this document does on each channel."""
    group: Json = {"type": "string", "pattern": "^department-[a-z0-9-]+(\\..+)?$", "examples": ["department-huanwei"]}
    return {
        "receiveOrders": _operation("receive", "dispatch", "department", "Read orders and answers.", group=group),
        "sendUpdates": _operation("send", "updates", "department", "Sign, report, finish, return.", reply="dispatch"),
        "sendReports": _operation("send", "reports", "hotline", "Hand in reports.", reply="receipts"),
        "receiveReceipts": _operation("receive", "receipts", "hotline", "Hear what became of reports."),
        "receiveDeadLetters": _operation("receive", "deadLetters", "operator", "See what could not be read."),
        "receiveTicketLog": _operation("receive", "tickets", "internal", "Read what happens to tickets."),
        "sendTicketLog": _operation("send", "tickets", "internal", "Write facts and commands."),
    }


def _operation(
    action: str, channel: str, tag: str, summary: str, *, reply: str = "", group: Json | None = None
) -> Json:
    made: Json = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "tags": [{"name": tag}],
        "messages": _references(channel, carried(channel)),
    }
    if group:
        made["bindings"] = {"kafka": {"groupId": group, "bindingVersion": BINDING}}
    if reply:
        answers = [name for name in carried(reply) if REGISTRY[name].kind in {"answer", "receipt"}]
        made["reply"] = {"channel": {"$ref": f"#/channels/{reply}"}, "messages": _references(reply, answers)}
    return made


def _references(channel: str, names: list[str]) -> list[Json]:
    return [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]


# ---------------------------------------------------------------- messages


def _message(body: type[Body]) -> Json:
    to_gridcall = body.kind in {"report", "update"}
    headers = "HeadersToGridcall" if to_gridcall else "HeadersOfGridcall"
    (key,) = [each.key for each in CHANNELS if each.name == channel_of(body)]
    own: Json = {"properties": {"ce_type": {"const": body.type}}}
    return {
        "name": body.type,
        "title": body.type.removeprefix("gridcall."),
        "summary": (inspect.getdoc(body) or "").split("\n\n")[0].replace("\n", " "),
        "contentType": "application/json",
        "headers": {"type": "object", "allOf": [{"$ref": f"#/components/schemas/{headers}"}, own]},
        "payload": {"$ref": f"#/components/schemas/{body.__name__}"},
        "correlationId": {"$ref": f"#/components/correlationIds/{'update' if to_gridcall else 'answer'}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": BINDING}},
        "examples": [{"name": "golden", "headers": _example_headers(body), "payload": example(body.type)}],
    }


def _example_headers(body: type[Body]) -> dict[str, str]:
    """Give headers as the services write them, and as others need to at the least."""
    ticket = ticket_of_order(str(example(body.type).get("order_id", ""))) or TICKET
    if body.kind in {"report", "update"}:
        source = "hotline/12345" if body.kind == "report" else "huanwei/system"
        return {"ce_type": body.type, "ce_source": source, "ce_id": "u-1"}
    source = f"gridcall/{body.producer or 'intake'}"
    told = Envelope(f"{ticket}/1", source, body.type, AT, ticket, int(channel_of(body) == "tickets"), "u-1")
    return {name: value.decode() for name, value in envelope.headers(told)}


ABOUT_HEADERS: Final = {
    "ce_type": "Wire type with its version.",
    "ce_source": "Who writes; with ce_id the idempotency key.",
    "ce_id": "Id of the message, never used again for another one.",
    "ce_specversion": "Version of CloudEvents.",
    "ce_time": "When it happened: RFC 3339 with an offset; where it is missing, the record's own time.",
    "content-type": "Form of the value.",
    "ce_subject": "Id of the ticket.",
    "ce_sequence": "The writer's own count on this ticket, from 1.",
    "ce_causation": "ce_id of what this follows from.",
    "traceparent": "W3C trace context.",
}
TO_GRIDCALL: Final = ("ce_type", "ce_source", "ce_id")
OF_GRIDCALL: Final = (*TO_GRIDCALL, "ce_specversion", "ce_time", "content-type")


def _headers(required: tuple[str, ...]) -> Json:
    """Give the schema of the headers; all of them are UTF-8 text."""
    text: Json = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE}
    special: dict[str, Json] = {
        "ce_specversion": {"const": "1.0"},
        "ce_time": {"format": "date-time"},
        "content-type": {"const": "application/json"},
        "ce_sequence": {"pattern": "^[0-9]+$"},
    }
    properties = {name: text | special.get(name, {}) | {"description": about} for name, about in ABOUT_HEADERS.items()}
    return {"type": "object", "required": list(required), "properties": properties}


def _bodies() -> dict[str, Json]:
    """Give the payload schemas of all messages and of the parts that they share."""
    _, made = models_json_schema(
        [(body, "validation") for body in REGISTRY.values()], ref_template="#/components/schemas/{model}"
    )
    for name, part in made["$defs"].items():
        explain(name, part)
    found: dict[str, Json] = _draft_07(made["$defs"])
    return found


def _draft_07(made: Any) -> Any:
    """Give a schema in the dialect of AsyncAPI, which writes a list of fixed length in another way."""
    if isinstance(made, list):
        return [_draft_07(each) for each in made]
    if not isinstance(made, dict):
        return made
    return {"items" if key == "prefixItems" else key: _draft_07(value) for key, value in made.items()}


class _Plain(yaml.SafeDumper):
    """Writes a thing out each time that it occurs."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name is yaml's
        return True


def files() -> dict[Path, str]:
    """Give what the document's file must hold."""
    text = yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    return {FILE: "# Made by `make docs` from the registry of messages: change the code, not this file.\n" + text}
