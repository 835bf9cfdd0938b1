"""Under which rules were tickets triaged? Each service keeps the policy of every profile version that it ran with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from shared.mongo import remedies
from shared.profile import PolicyFile

if TYPE_CHECKING:
    from shared.mongo import Database
    from shared.profile import Profile

COLLECTION: Final = "policies"
log = structlog.get_logger(__name__)


async def keep(db: Database, profile: Profile) -> None:
    """Store the policy of this version, and let the profile know those that were stored before; raises TryLater."""
    content = profile.policy.content.model_dump_json(exclude_defaults=True)
    with remedies():
        await db[COLLECTION].update_one(
            {"_id": profile.version}, {"$set": {"name": profile.name, "policy": content}}, upsert=True
        )
    await learn(db, profile)


async def learn(db: Database, profile: Profile) -> None:
    """Let a profile know the policies that a service has stored; raises TryLater."""
    with remedies():
        stored = await db[COLLECTION].find({}).to_list(None)
    for document in stored:
        try:
            profile.learn(document["_id"], PolicyFile.model_validate_json(document["policy"]))
        except ValueError as error:
            log.warning(
                "a stored policy cannot be read any more: its tickets follow the present one",
                version=document["_id"],
                error=str(error)[:300],
            )
