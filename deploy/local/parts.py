"""Which parts make up a gridcall, where do they listen, and what do they read?

The one list behind `gridcall up` and `gridcall status`; a test compares docker-compose.yml with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import PORTS


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the stack."""

    name: str
    port: int
    """Where it listens when its variable says nothing else."""
    port_variable: str
    module: str = ""
    """What `python -m` starts; empty for a server of somebody else's making."""
    variables: tuple[str, ...] = ()
    """The environment variables that `up` gives it."""


COMMON = (
    "GRIDCALL_KAFKA",
    "GRIDCALL_MONGO",
    "GRIDCALL_PROFILE",
    "GRIDCALL_CLOCK_SPEED",
    "GRIDCALL_CLOCK_ORIGIN",
    "GRIDCALL_LOG",
    "GRIDCALL_OTLP_ENDPOINT",
)
OWN = {
    "intake": ("GRIDCALL_PII_KEY",),
    "dispatch": ("GRIDCALL_WEBHOOKS",),
    "sla": ("GRIDCALL_SLA_AUDIT_SPEED",),
}
"""intake alone keeps names and phones, so it alone gets their key; dispatch alone reaches departments; sla alone
audits what was written before."""

KAFKA = Part("kafka", 9092, "GRIDCALL_KAFKA_PORT")
MONGOD = Part("mongod", 27017, "GRIDCALL_MONGO_PORT")
SERVERS = (KAFKA, MONGOD)
PROMETHEUS = Part("prometheus", 9090, "GRIDCALL_PROMETHEUS_PORT")
"""Watches the others, where it is installed; nothing waits for it."""


def _service(name: str) -> Part:
    port_variable = f"GRIDCALL_{name.upper()}_PORT"
    return Part(name, PORTS[name], port_variable, f"services.{name}", (*COMMON, port_variable, *OWN.get(name, ())))


SERVICES = tuple(_service(name) for name in ("intake", "triage", "dispatch", "closure", "sla", "desk"))
PARTS = (*SERVERS, *SERVICES)
