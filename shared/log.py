"""How do services write their log lines? structlog, text or JSON, ticket and trace bound, no personal data."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog

from shared.tracing import concerning, trace_id

if TYPE_CHECKING:
    from collections.abc import MutableMapping

PERSONAL = frozenset({"name", "phone", "caller", "text", "address", "value", "body", "description"})
"""Keys whose content never reaches a log line."""

WITHOUT_LOCALS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
"""Local variables hold whole messages: a traceback never shows them."""


def without_personal_data(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace whatever stands under a personal key."""
    for key in PERSONAL & event.keys():
        event[key] = "(left out)"
    return event


def with_ticket(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the ticket and the trace that are handled just now."""
    ticket, traceparent = concerning.get()
    if ticket:
        event.setdefault("ticket", ticket)
    if traceparent:
        event.setdefault("trace_id", trace_id(traceparent))
    return event


def configure(service: str, form: str, level: str) -> None:
    """Set up structlog and the standard library's logging for one process, both to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        with_ticket,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_personal_data,
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any] = (
        [WITHOUT_LOCALS, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "faststream", "uvicorn.access", "kafka", "pymongo", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.contextvars.bind_contextvars(service=service)
