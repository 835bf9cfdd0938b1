"""What does dispatch keep beside the tickets that the loop stores, and what does it look up?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.dispatch.resync.store import INDEXES as RESYNC
from services.dispatch.webhooks.store import INDEXES as WEBHOOKS

if TYPE_CHECKING:
    from shared.indexes import Index

INDEXES: tuple[Index, ...] = (*RESYNC, *WEBHOOKS)
