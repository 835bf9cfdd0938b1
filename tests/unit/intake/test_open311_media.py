"""May an Open311 client send a photo as it is, and what becomes of it?"""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.http import MAX_BODY
from shared.messages import TicketReported
from tests.support.open311 import wrong_of
from tests.unit.intake.counter import body_of
from tests.unit.intake.test_attachments import JPEG
from tests.unit.intake.test_open311 import LAMP, V2, City

LARGEST = 10_485_760
OCTETS = "application/octet-stream"
Part = tuple[str, tuple[str, bytes, str]]


async def post(city: City, *parts: Part, fmt: str = "json", **fields: Any) -> httpx.Response:
    """Send a multipart form as client libraries do."""
    made = httpx.Request("POST", "http://intake/", data=LAMP | fields, files=parts or [("x", (None, b""))])
    return await city.http("POST", f"{V2}/requests.{fmt}", made.read(), Content_Type=made.headers["content-type"])


async def reported(city: City) -> TicketReported:
    """Give the one report that was taken."""
    await city.spool.step()
    (fact,) = [one for one in city.paper.sent if dict(one.headers)["ce_type"] == TicketReported.type.encode()]
    return TicketReported.model_validate(body_of(fact))


def media(name: str = "x.jpg", content: bytes = JPEG, kind: str = "image/jpeg", part: str = "media") -> Part:
    """Give a part with a file."""
    return (part, (name, content, kind))


@pytest.mark.parametrize("fmt", ["json", "xml"])
async def test_a_multipart_form_says_what_the_other_form_says(fmt: str) -> None:
    """Without a file it is the same report."""
    plain, whole = City(), City()
    said = {"attribute[condition]": "broken", "media_url": "https://a.example/x.jpg", "phone": "000-0000"}
    assert (await plain.post(fmt, **said)).status_code == 200
    answer = await post(whole, fmt=fmt, **said)
    assert answer.status_code == 200, answer.text
    first, second = await reported(plain), await reported(whole)
    assert first == second.model_copy(update={"report_id": first.report_id})


@pytest.mark.parametrize("fmt", ["json", "xml"])
async def test_a_photo_is_kept_as_an_upload_is(fmt: str) -> None:
    """With its digest; who has the url gets it back."""
    city = City()
    answer = await post(city, media(), fmt=fmt, media_url="https://a.example/y.png")
    assert answer.status_code == 200, answer.text
    linked, kept = (await reported(city)).attachments
    assert (linked.url, linked.sha256) == ("https://a.example/y.png", None)
    assert (kept.media_type, kept.sha256) == ("image/jpeg", hashlib.sha256(JPEG).hexdigest())
    assert (await city.http("GET", kept.url.removeprefix("http://intake"))).content == JPEG


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", "..\\..\\a.jpg", "/etc/passwd", "a\r\nX: y.jpg", "图.jpg", "x" * 2000]
)
async def test_a_file_name_becomes_part_of_nothing(name: str) -> None:
    """Where it is kept follows from the photo, whatever its sender calls it."""
    city = City()
    assert (await post(city, media(name))).status_code == 200
    (kept,) = (await reported(city)).attachments
    assert kept.url.removeprefix("http://intake/v1/attachments/")[64:] == ".jpg"
    assert name not in kept.url


BAD: list[tuple[list[Part], int, str]] = [
    ([media("x.svg", b"<svg/>", "image/svg+xml")], 415, "media"),
    ([media("x.jpg", b"<html>", "image/jpeg")], 400, "media"),
    ([media("x.jpg", b"", "image/jpeg")], 400, "media"),
    ([media(part="photo")], 400, "as the part media"),
    ([media(part="service_code")], 400, "as the part media"),
    ([media(content=JPEG + b"x" * LARGEST)], 413, "media"),
    ([media(content=JPEG + b"x" * (LARGEST + MAX_BODY))], 413, "at most"),
    ([media()] * 21, 400, "20"),
]


@pytest.mark.parametrize(("parts", "status", "about"), BAD, ids=range(len(BAD)))
async def test_a_file_that_is_not_taken_is_told_why(parts: list[Part], status: int, about: str) -> None:
    """In both formats, and nothing of the request is taken."""
    city = City()
    for fmt in ("json", "xml"):
        errors = wrong_of(await post(city, *parts, fmt=fmt), status)
        assert about in " ".join(error.description for error in errors)
    assert city.store.documents == {}


async def test_a_type_that_is_not_said_follows_from_the_name() -> None:
    """An empty part, where no file was chosen, is passed over."""
    city = City()
    answer = await post(city, media(kind=OCTETS), media("", b"", OCTETS))
    assert answer.status_code == 200, answer.text
    assert [one.media_type for one in (await reported(city)).attachments] == ["image/jpeg"]


async def test_where_digests_are_needed_a_form_sends_the_file() -> None:
    """A link elsewhere is refused with what to do instead; a file does, and so does the url of an upload."""
    city = City(given={"attachment_digests": True})
    for fmt in ("json", "xml"):
        (error,) = wrong_of(await city.post(fmt, media_url="https://a.example/x.jpg"), 400)
        assert error.description.startswith("media_url: ")
        assert "as the part media" in error.description
    unknown = "http://intake/v1/attachments/" + "0" * 64 + ".jpg"
    wrong_of(await city.post(media_url=unknown), 400)
    assert city.store.documents == {}
    uploaded = (await city.http("POST", "/v1/attachments", JPEG, Content_Type="image/jpeg")).json()
    assert (await city.post(media_url=uploaded["url"])).status_code == 200
    assert [one.sha256 for one in (await reported(city)).attachments] == [uploaded["sha256"]]
    photo = City(given={"attachment_digests": True})
    assert (await post(photo, media())).status_code == 200
    assert [one.sha256 for one in (await reported(photo)).attachments] == [uploaded["sha256"]]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["x", "", '"x"', "x; charset=utf-16", "x" * 300]))
async def test_no_multipart_body_is_a_defect(body: bytes, boundary: str) -> None:
    """Whatever it is: taken or told, never a 5xx."""
    city = City()
    for raw in (body, b"--x\r\n" + body + b"\r\n--x--\r\n"):
        kind = f"multipart/form-data; boundary={boundary}"
        answer = await city.http("POST", f"{V2}/requests.json", raw, Content_Type=kind)
        assert answer.status_code in {200, 400, 413, 415}, answer.text
