"""Who may do what on the brokers? One user for gridcall, one for the hotline, and one for each department.

aiokafka's admin client has no calls for ACLs, but its protocol module has their requests: those are sent as they are,
so that neither Java nor a second Kafka client is needed for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from deploy.cli.output import Failure
from shared.topics import RECEIPTS, REPORTS, dispatch_topic, updates_topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiokafka.admin import AIOKafkaAdminClient

    from shared.profile import Department

ANY: Final = 1
ALLOW: Final = 3
RESOURCES: Final = {"topic": 2, "group": 3, "cluster": 4}
PATTERNS: Final = {"literal": 3, "prefixed": 4}
OPERATIONS: Final = {"all": 2, "read": 3, "write": 4, "create": 5, "describe": 8, "describe-configs": 10}
CLUSTER: Final = "kafka-cluster"
EVERY_HOST: Final = "*"
OWN: Final = "gridcall."
"""What the name of each of gridcall's topics begins with."""

REFUSED: Final = 31
NO_AUTHORIZER: Final = 54


class Acl(NamedTuple):
    """What a principal is allowed, from every host. To read or to write a topic is also to describe it."""

    principal: str
    operation: str
    resource: str
    pattern: str
    name: str


def wanted_acls(departments: Iterable[Department], group_prefix: str, prefix: str = "") -> tuple[Acl, ...]:
    """Give every ACL of a deployment; `prefix` begins the name of each user.

    A department's consumer groups are `department-<id>` and `department-<id>.…`: by a mere prefix without the dot,
    `department-fire` could enter the groups of `department-fire-safety`.
    """
    gridcall, hotline = f"User:{prefix}gridcall", f"User:{prefix}hotline"
    found = [
        Acl(gridcall, "all", "topic", "prefixed", OWN),
        Acl(gridcall, "all", "group", "prefixed", group_prefix),
        Acl(gridcall, "describe", "cluster", "literal", CLUSTER),
        Acl(hotline, "write", "topic", "literal", REPORTS),
        Acl(hotline, "read", "topic", "literal", RECEIPTS),
        *_groups(hotline),
    ]
    for department in departments:
        principal = f"User:{prefix}department-{department.id}"
        found += [
            Acl(principal, "read", "topic", "literal", dispatch_topic(department.topic)),
            Acl(principal, "write", "topic", "literal", updates_topic(department.topic)),
            *_groups(principal),
        ]
    return tuple(found)


def _groups(principal: str) -> tuple[Acl, Acl]:
    name = principal.removeprefix("User:")
    return (Acl(principal, "read", "group", "literal", name), Acl(principal, "read", "group", "prefixed", f"{name}."))


def ours(principal: str, prefix: str) -> bool:
    """Tell whether the naming rule made this principal: what such a one may do is for this file alone to say."""
    name = principal.removeprefix(f"User:{prefix}")
    return principal.startswith(f"User:{prefix}") and (
        name in {"gridcall", "hotline"} or name.startswith("department-")
    )


async def apply_acls(admin: AIOKafkaAdminClient, wanted: Iterable[Acl], prefix: str) -> list[dict[str, Any]]:
    """Create the missing ACLs; gives the state of each, and as a finding each that is more than it should be."""
    wanted, present = tuple(wanted), await _present(admin)
    for acl in wanted:
        if acl not in present:
            await _create(admin, acl)
    states = [_state(acl, "is there" if acl in present else "created", finding=False) for acl in wanted]
    more = sorted(acl for acl in present - set(wanted) if ours(acl.principal, prefix))
    return states + [_state(acl, "allows more than it should: remove it by kafka-acls", finding=True) for acl in more]


def _state(acl: Acl, state: str, *, finding: bool) -> dict[str, Any]:
    return {**acl._asdict(), "state": state, "finding": finding}


async def _present(admin: AIOKafkaAdminClient) -> set[Acl]:
    everything: Any = DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ALLOW)
    answer = await admin._send_request(everything)  # noqa: SLF001 - there is no public call for it
    _sound(answer.error_code, answer.error_message)
    return {
        Acl(principal, _name(OPERATIONS, operation), _name(RESOURCES, resource), _name(PATTERNS, pattern), name)
        for resource, name, pattern, acls in answer.resources
        for principal, host, operation, _permission in acls
        if host == EVERY_HOST
    }


async def _create(admin: AIOKafkaAdminClient, acl: Acl) -> None:
    request = CreateAclsRequest(
        RESOURCES[acl.resource],
        acl.name,
        PATTERNS[acl.pattern],
        acl.principal,
        EVERY_HOST,
        OPERATIONS[acl.operation],
        ALLOW,
    )
    answer = await admin._send_request(request)  # noqa: SLF001 - as above
    for code, why in answer.creation_responses:
        _sound(code, why)


def _sound(code: int, why: str | None) -> None:
    """Raise Failure when the broker does not do what was asked."""
    if code == NO_AUTHORIZER:
        raise Failure(
            "This Kafka has no authorizer: everybody may do everything on it.",
            "Set authorizer.class.name on the brokers (deploy/README.md), or leave out --acls.",
        )
    if code == REFUSED:
        raise Failure(
            "GRIDCALL_KAFKA_USER may not change ACLs.",
            "Run this command with a user of the brokers' super.users, or one that may alter the cluster.",
        )
    if code:
        error = for_code(code).__name__.removesuffix("Error")
        raise Failure(f"Kafka does not take the ACLs: {why or error}", "Correct it, and apply again.")


def _name(names: dict[str, int], code: int) -> str:
    return next((name for name, known in names.items() if known == code), str(code))
