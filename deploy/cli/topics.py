"""How do the brokers and the databases get what gridcall needs? Topics with their retention, and indexes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from rich.table import Table

from deploy.cli.acls import Acl, apply_acls, wanted_acls
from deploy.cli.output import FINDING, Commands, Failure, Json, out, print_json
from deploy.local.settings import LocalSettings
from shared.errors import TryLater
from shared.indexes import LOOP_INDEXES, ensure
from shared.mongo import Mongo
from shared.profile import find_profile, load_profile
from shared.security import client_security
from shared.settings import PORTS, Settings
from shared.topics import TopicSpec, topic_specs

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Topics and indexes.")

LEADER_WAIT_S = 30.0


@app.command("apply")
def apply_command(
    as_json: Json = False,
    replication: Annotated[int, typer.Option(min=1, help="Brokers that keep each new topic.")] = 1,
    acls: Annotated[bool, typer.Option("--acls", help="Also say on the brokers who may read and write what.")] = False,
    principal_prefix: Annotated[str, typer.Option(help="What the name of each Kafka user begins with.")] = "",
) -> None:
    """Create the topics and indexes that are missing, with --acls ACLs too; exit 1 when one is not as it should be."""
    settings = LocalSettings().addressed()
    topics = apply(settings.kafka, settings.profile, replication)
    allowed = allow(settings, principal_prefix) if acls else []
    count = indexes(settings.mongo)
    if as_json:
        print_json({"topics": topics, "indexes": count} | ({"acls": allowed} if acls else {}))
    else:
        table = Table("topic", "partitions", "state", box=None, pad_edge=False)
        for topic in topics:
            table.add_row(topic["topic"], str(topic["partitions"]), topic["state"])
        out.print(table)
        if acls:
            out.print(_table(allowed))
        out.print(f"{count} indexes are there.")
    if any(each["finding"] for each in (*topics, *allowed)):
        raise typer.Exit(FINDING)


def apply(kafka: str, profile: str, replication: int = 1) -> list[dict[str, Any]]:
    """Create missing topics and wait for their leaders; gives each topic's state. Raises TryLater."""
    settings = Settings()
    names = [department.topic for department in load_profile(find_profile(profile)).departments]
    specs = topic_specs(names, settings.log_partitions, settings.department_partitions)
    return asyncio.run(_apply(kafka, specs, replication))


def allow(settings: Settings, prefix: str = "") -> list[dict[str, Any]]:
    """Create missing ACLs for the users of the naming rule; gives each one's state. Raises TryLater and Failure."""
    departments = load_profile(find_profile(settings.profile)).departments
    return asyncio.run(_allow(settings, wanted_acls(departments, settings.group_prefix, prefix), prefix))


async def _allow(settings: Settings, wanted: tuple[Acl, ...], prefix: str) -> list[dict[str, Any]]:
    async with _admin(settings.kafka) as admin:
        return await apply_acls(admin, wanted, prefix)


def _table(allowed: list[dict[str, Any]]) -> Table:
    table = Table("principal", "may", "on", "state", box=None, pad_edge=False)
    for acl in allowed:
        pattern = "" if acl["pattern"] == "literal" else "*"
        table.add_row(acl["principal"], acl["operation"], f"{acl['resource']} {acl['name']}{pattern}", acl["state"])
    return table


@asynccontextmanager
async def _admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect; raises TryLater when Kafka is away, or does not let this user in."""
    settings = Settings()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, **client_security(settings))
    login = f", or does not let {settings.kafka_user} in" if settings.kafka_user else ""
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        raise TryLater(f"Kafka at {kafka} does not answer{login}: {error}") from error
    finally:
        await admin.close()


async def _apply(kafka: str, specs: tuple[TopicSpec, ...], replication: int) -> list[dict[str, Any]]:
    async with _admin(kafka) as admin:
        present = await _partitions(admin, specs)
        missing = [spec for spec in specs if spec.name not in present]
        if missing:
            _created(await admin.create_topics([_new(spec, replication) for spec in missing]))
            await _wait_for_leaders(admin, specs)
    return [_state(spec, present.get(spec.name)) for spec in specs]


def _new(spec: TopicSpec, replication: int) -> NewTopic:
    configs = {
        "retention.ms": str(spec.retention_ms),
        "max.message.bytes": str(spec.max_message_bytes),
        "min.insync.replicas": str(max(1, replication - 1)),
    }
    return NewTopic(spec.name, spec.partitions, replication, topic_configs=configs)


def _created(answer: Any) -> None:
    """Raise Failure for the first topic that Kafka does not create; one that somebody else has just made is fine."""
    for topic, code, why in answer.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            error = for_code(code).__name__.removesuffix("Error")
            raise Failure(f"Kafka does not create {topic}: {why or error}", "Correct it, and apply again.")


def _state(spec: TopicSpec, present: int | None) -> dict[str, Any]:
    """Say whether a topic was created, was there, or has another number of partitions than a new one would get."""
    if present is None:
        return {"topic": spec.name, "partitions": spec.partitions, "state": "created", "finding": False}
    state = "is there"
    if present < spec.partitions:
        state += f" with {present} partitions, not {spec.partitions}: tickets are bound to partitions, so it stays so"
    return {"topic": spec.name, "partitions": present, "state": state, "finding": False}


async def _partitions(admin: AIOKafkaAdminClient, specs: tuple[TopicSpec, ...]) -> dict[str, int]:
    """Give the number of partitions with a leader of each topic that exists."""
    existing = set(await admin.list_topics())
    wanted = [spec.name for spec in specs if spec.name in existing]
    if not wanted:
        return {}
    described = await admin.describe_topics(wanted)
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in described
        if topic["partitions"] and all(partition["leader"] >= 0 for partition in topic["partitions"])
    }


async def _wait_for_leaders(admin: AIOKafkaAdminClient, specs: tuple[TopicSpec, ...]) -> None:
    """Return when every partition has a leader: the first record sent before that would have to be retried."""
    try:
        async with asyncio.timeout(LEADER_WAIT_S):
            while len(await _partitions(admin, specs)) < len(specs):  # noqa: ASYNC110 - a broker gives no event
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise TryLater(f"Kafka has given a new topic no leader for {LEADER_WAIT_S:.0f} seconds.") from error


def indexes(mongo: str) -> int:
    """Create missing indexes in every service's database; gives how many there are. Raises TryLater."""
    return asyncio.run(_indexes(mongo))


async def _indexes(mongo: str) -> int:
    settings, client, count = Settings(), Mongo(mongo), 0
    try:
        for service in PORTS:
            wanted = (*LOOP_INDEXES, *import_module(f"services.{service}.store").INDEXES)
            count += await ensure(client.db(settings.database(service)), wanted)
    finally:
        client.close()
    return count
