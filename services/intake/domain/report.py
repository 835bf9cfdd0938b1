"""Is this a report that we may take, and what of it goes onto the log?"""

from __future__ import annotations

import json
import mimetypes
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from services.intake.domain.masking import bare_digits, masked, masked_attributes
from shared.messages import MessageReceived, Place, TicketReported
from shared.messages.doors import MAX_TEXT, ReportSubmitted, Strict
from shared.messages.log import MessageKind
from shared.profile import CARE
from shared.profile.model import usual_withheld

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from shared.messages import CallerRef
    from shared.profile import Profile, Words


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a report is not taken: a word for machines, where in the body, and what to change."""

    reason: Literal[
        "no-content",
        "text-too-long",
        "half-coordinates",
        "outside-district",
        "bad-time",
        "no-call-back",
        "no-digest",
        "unknown-care",
    ]
    pointer: str
    en: str
    zh: str

    @property
    def detail(self) -> str:
        """Give the sentence in both languages."""
        return f"{self.en} {self.zh}"


def findings(report: ReportSubmitted, now: datetime, profile: Profile, *, digests: bool = False) -> tuple[Finding, ...]:
    """Give everything that must be changed before the report can be taken; nothing for most."""
    what = (*_of_whom(report, profile), *_content(report, profile), *_where(report, profile))
    found = (*what, *_when(report, now, profile), *_who(report))
    return (*found, *_undigested(report)) if digests else found


def _undigested(report: ReportSubmitted) -> Iterator[Finding]:
    for number, attachment in enumerate(report.attachments):
        if attachment.sha256 is None:
            yield Finding(
                "no-digest",
                f"/attachments/{number}/sha256",
                "Give the SHA-256 of the file, as 64 lower-case hexadecimal digits.",
                "请提供附件的SHA-256摘要(64位小写十六进制)。",
            )


def _of_whom(report: ReportSubmitted, profile: Profile) -> Iterator[Finding]:
    """Find fault with a kind of person that the city does not have; never says which was given."""
    if not withheld(report.attributes):
        return
    kinds = () if profile.care is None else profile.care.kinds
    if report.attributes.get(CARE) not in [kind.id for kind in kinds]:  # a value of any type
        known = ", ".join(kind.id for kind in kinds) or "none, so leave it out"
        zh = "、".join(f"{kind.zh}({kind.id})" for kind in kinds) or "本市未设置,请勿填写"
        yield Finding(
            "unknown-care",
            f"/attributes/{CARE}",
            f"This is no kind of person of whom the city takes particular care: {known}.",
            f"人员类别不在重点关爱名录中:{zh}。",
        )


def _content(report: ReportSubmitted, profile: Profile) -> Iterator[Finding]:
    if not report.text.strip() and not (report.category or "").strip():
        yield Finding(
            "no-content", "/text", "Say in text what is the matter, or give a category.", "请填写诉求内容或选择类别。"
        )
    longest = profile.intake.max_text
    if len(report.text) > longest:
        yield Finding(
            "text-too-long",
            "/text",
            f"The text has {len(report.text)} characters: shorten it to {longest}, and attach files by reference.",
            f"内容共{len(report.text)}字,请缩短至{longest}字以内,材料请以附件链接提交。",
        )


def _where(report: ReportSubmitted, profile: Profile) -> Iterator[Finding]:
    lon, lat = report.place.lon, report.place.lat
    if lon is None and lat is None:
        return
    if lon is None or lat is None:
        missing = "lon" if lon is None else "lat"
        yield Finding(
            "half-coordinates", f"/place/{missing}", "Give both lon and lat, or neither.", "经度和纬度须同时填写。"
        )
    elif not profile.inside(lon, lat):
        yield Finding(
            "outside-district",
            "/place/lon",
            f"The point lies outside {profile.title.en}: correct lon and lat, or leave them out and give the address.",
            f"坐标不在{profile.title.zh}范围内:请更正经纬度,或不填坐标、改填地址。",
        )


def _when(report: ReportSubmitted, now: datetime, profile: Profile) -> Iterator[Finding]:
    at = report.occurred_at
    if at is None:
        return
    if at > now + timedelta(minutes=profile.intake.future_tolerance):
        yield Finding(
            "bad-time",
            "/occurred_at",
            "This lies in the future: correct it or leave it out.",
            "发生时间晚于当前时间,请更正或不填。",
        )
    elif at < now - timedelta(days=profile.intake.oldest):
        yield Finding(
            "bad-time",
            "/occurred_at",
            f"This lies more than {profile.intake.oldest} days back: correct it or leave it out.",
            f"发生时间早于{profile.intake.oldest}天前,请更正或不填。",
        )


def _who(report: ReportSubmitted) -> Iterator[Finding]:
    caller = report.caller
    if caller.anonymous and caller.callback and not any(letter.isdigit() for letter in caller.phone or ""):
        yield Finding(
            "no-call-back",
            "/caller/phone",
            "A call back needs a phone number, also when anonymous: give one, or set callback to false.",
            "匿名诉求需要回访时请提供电话号码,否则请取消回访。",
        )


def likeness(report: ReportSubmitted) -> bytes | None:
    """Give what both doors see of one report: the sender's number, the words, the place and who asks.

    None without a `source_reference`. The number alone would not do: whoever guessed the next number of a hotline
    could take its place. How it came, when, and with which files may be written differently at the two doors.
    """
    reference = (report.source_reference or "").strip()
    if not reference:
        return None
    words = " ".join(report.text.split())
    asked = (report.caller.name, bare_digits(report.caller.phone or ""))
    what = (reference, words, report.category, report.condition, report.place.model_dump(), asked)
    return json.dumps(what, sort_keys=True).encode()


def reported(
    report: ReportSubmitted, ticket: str, source: str, now: datetime, caller: CallerRef, profile: Profile
) -> TicketReported:
    """Give the fact that goes onto the log: everything but what would tell who asked.

    `source_reference` and links to files travel as they are, and so do codes that the profile knows.
    """
    if withheld(report.attributes):
        return _of_care(report, ticket, source, now, caller, profile)
    name = report.caller.name
    place = report.place

    def safe(text: str | None, *, known: bool = False) -> str | None:
        return text if text is None or known else masked(text, name)

    return TicketReported(
        report_id=ticket,
        channel=report.channel,
        request=report.request,
        text=masked(report.text, name),
        category=safe(report.category, known=profile.category_by_alias(report.category or "") is not None),
        condition=safe(report.condition),
        occurred_at=report.occurred_at,
        reported_at=now,
        source=source,
        source_reference=report.source_reference,
        place=Place(
            address=safe(place.address),
            grid=safe(place.grid, known=_is_place(profile, place.grid)),
            qr=safe(place.qr, known=profile.locate(qr=place.qr) is not None if place.qr else True),
            road=safe(place.road),
            lon=place.lon,
            lat=place.lat,
        ),
        caller=caller,
        attachments=tuple(attachment.attachment() for attachment in report.attachments),
        attributes=masked_attributes(report.attributes, name) if report.attributes else {},
    )


def withheld(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a report is of a person of whom particular care is taken: then hardly anything of it travels."""
    return any(name.strip().casefold() == CARE for name in attributes)


def words_instead(profile: Profile) -> Words:
    """Give what travels instead of words; whatever the profile says by now, theirs do not."""
    return usual_withheld() if profile.care is None else profile.care.text


def _of_care(
    report: ReportSubmitted, ticket: str, source: str, now: datetime, caller: CallerRef, profile: Profile
) -> TicketReported:
    """Give what may be known: which matter, in which community, and that care is taken; not of whom, nor what kind."""
    said = report.place
    found = profile.locate(grid=said.grid, qr=said.qr, lon=said.lon, lat=said.lat, address=said.address, road=said.road)
    text = words_instead(profile)
    category = profile.category_by_alias(report.category or "")
    condition = None if category is None else category.condition(report.condition)
    kept = {name: report.attributes[name] for name in ("visit", "promised_by") if name in report.attributes}
    return TicketReported(
        report_id=ticket,
        channel=report.channel,
        request=report.request,
        text=f"{text.zh} {text.en}",
        category=None if category is None else category.code,
        condition=None if condition is None else condition.id,
        reported_at=now,
        source=source,
        source_reference=report.source_reference,
        place=Place() if found is None else Place(grid=profile.coarse(found.unit)),
        caller=caller.model_copy(update={"masked_phone": None}),
        attributes={**masked_attributes(kept), CARE: True},
    )


def _is_place(profile: Profile, grid: str | None) -> bool:
    return grid is None or profile.locate(grid=grid) is not None


def linked(url: str) -> dict[str, str]:
    """Give the attachment of a link, as a report takes it; its type follows from the name of the file."""
    try:
        path = urlsplit(url).path
    except ValueError:  # no address at all: the report's own rules say so
        path = ""
    return {"url": url, "media_type": mimetypes.guess_type(path)[0] or "application/octet-stream"}


class MessageSubmitted(Strict):
    """What the person who asked says later: more, an answer, a rating, or that it may be dropped."""

    kind: MessageKind
    text: str = Field(default="", max_length=MAX_TEXT)
    rating: int | None = Field(default=None, ge=1, le=5)
    """1 (very bad) to 5 (very good); with the kind rating only, and needed there."""

    @model_validator(mode="after")
    def _whole(self) -> MessageSubmitted:
        if (self.kind == "rating") != (self.rating is not None):
            raise ValueError("a rating from 1 to 5 belongs to the kind rating: give both or neither")
        if self.kind in {"follow-up", "answer"} and not self.text.strip():
            raise ValueError(f"the kind {self.kind} needs a text")
        return self


def received(
    message: MessageSubmitted, message_id: str, now: datetime, instead: Words | None = None
) -> MessageReceived:
    """Give the fact that goes onto the log; `instead` of its words something that says nothing."""
    text = masked(message.text) if instead is None or not message.text else f"{instead.zh} {instead.en}"
    return MessageReceived(
        message_id=message_id,
        message_kind=message.kind,
        text=text,
        rating=message.rating,
        received_at=now,
    )
