"""What does dispatch keep beside the tickets that the loop stores? Nothing, so there is nothing to look up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.indexes import Index

INDEXES: tuple[Index, ...] = ()
