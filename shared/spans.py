"""How does OpenTelemetry learn what gridcall does? Spans, sent in batches by a thread that nobody ever waits for.

Imported only where GRIDCALL_OTLP_ENDPOINT names a collector. A collector that is slow or away costs spans, the oldest
first, and nothing else. No span carries a text that somebody wrote: of an error only its class.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
    use_span,
)

from shared.tracing import of_ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.trace import Span

    from shared.envelope import Outgoing

TRACES = "/v1/traces"
EXPORT_TIMEOUT_S = 5.0
LAST_EXPORT_S = 2.0
MOST_WAITING = 8192
NOISY = ("opentelemetry.sdk._shared_internal", "opentelemetry.exporter", "urllib3")
"""Loggers that would write a line for each span that is dropped, or for each try."""


class Ids(RandomIdGenerator):
    """Gives ids by chance, or those of the trace that is about to begin."""

    def __init__(self) -> None:
        """Begin with none."""
        self.given: SpanContext | None = None

    def generate_trace_id(self) -> int:
        """Give the id of a trace."""
        return super().generate_trace_id() if self.given is None else self.given.trace_id

    def generate_span_id(self) -> int:
        """Give the id of a span."""
        return super().generate_span_id() if self.given is None else self.given.span_id

    def is_trace_id_random(self) -> bool:
        """Promise nobody that ids which follow from a ticket's are by chance."""
        return False


class Spans:
    """Makes spans and has them sent."""

    def __init__(self, endpoint: str, service: str, version: str) -> None:
        """Start the thread that sends; nothing is connected before the first batch."""
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._ids = Ids()
        resource = Resource.create(
            {"service.name": service, "service.namespace": "gridcall", "service.version": version}
        )
        provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + TRACES, timeout=EXPORT_TIMEOUT_S)
        self._sending = BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING)
        provider.add_span_processor(self._sending)
        self._tracer = provider.get_tracer("gridcall", version)

    def end(self) -> None:
        """Send what is left, and wait a moment for it; the thread that waits for longer ends with the process."""
        last = threading.Thread(target=self._sending.shutdown, daemon=True)
        last.start()
        last.join(LAST_EXPORT_S)

    @contextmanager
    def handling(self, service: str, kind: str, ticket: str, given: str, *, first: bool) -> Iterator[str]:
        """Handle a message; the turn that it is handled in is linked."""
        around = get_current_span().get_span_context()
        begins = first and not given
        parent = _context(given or of_ticket(ticket))
        self._ids.given = _context(of_ticket(ticket)) if first else None  # a report that is sent again is no other span
        span = self._tracer.start_span(
            f"{service} {kind}",
            Context() if begins else set_span_in_context(NonRecordingSpan(parent), Context()),
            SpanKind.CONSUMER,
            {"gridcall.service": service, "gridcall.type": kind, "gridcall.ticket": ticket},
            [Link(around)] if around.is_valid else (),
        )
        self._ids.given = None
        with _ended(span):
            yield _text(span.get_span_context())

    @contextmanager
    def turn(self, service: str, group: str, records: int) -> Iterator[None]:
        """Take a turn, which belongs to many traces and therefore to one of its own."""
        about: dict[str, str | int] = {
            "gridcall.service": service,
            "gridcall.group": group,
            "gridcall.records": records,
        }
        span = self._tracer.start_span("turn", Context(), attributes=about)
        with use_span(span, record_exception=False, set_status_on_exception=False), _ended(span):
            yield

    @contextmanager
    def publishing(self, messages: Iterable[Outgoing]) -> Iterator[None]:
        """Publish within the turn, if there is one."""
        counts = Counter(message.topic for message in messages)
        about: dict[str, str | int | list[str]] = {
            "messaging.system": "kafka",
            "messaging.batch.message_count": counts.total(),
            "gridcall.topics": sorted(counts),
        }
        span = self._tracer.start_span("publish", kind=SpanKind.PRODUCER, attributes=about)
        with _ended(span):
            yield


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """End a span in any case; an error shows by its class."""
    try:
        yield
    except BaseException as error:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        span.end()


def _context(traceparent: str) -> SpanContext:
    _, trace, span, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _text(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & TraceFlags.SAMPLED:02x}"
