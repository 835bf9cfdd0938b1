"""What may be uploaded, and what can a file do to whoever opens it?"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from services.intake.attachments import ENDINGS
from services.intake.files import files
from tests.unit.intake.counter import Counter

JPEG = b"\xff\xd8\xff\xe0" + b"photo" * 100


def digest(content: bytes) -> str:
    """Give the header Content-Digest."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


async def test_a_photo_comes_back_as_it_was_and_stands_in_a_report() -> None:
    """Uploading it twice keeps it once; what comes back is what `attachments` needs."""
    counter = Counter()
    first = await counter.http("POST", "/v1/attachments", JPEG, Content_Type="image/jpeg", Content_Digest=digest(JPEG))
    again = await counter.http("POST", "/v1/attachments", JPEG, Content_Type="Image/JPEG; x=y")
    assert (first.status_code, again.json()) == (201, first.json())
    assert first.json()["sha256"] == hashlib.sha256(JPEG).hexdigest()
    report = {"channel": "app", "text": "x", "attachments": [first.json()]}
    assert (await counter.submit("k", report)).status_code == 201
    got = await counter.http("GET", first.json()["url"])
    assert (got.status_code, got.content) == (200, JPEG)
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in got.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "media_type", "content_digest", "status"),
    [
        (b"<html><script>alert(1)</script>", "text/html", "", 415),
        (b"<svg onload='alert(1)'/>", "image/svg+xml", "", 415),
        (b"<html><script>alert(1)</script>", "image/jpeg", "", 422),
        (b"MZ\x90", "application/pdf", "", 422),
        (JPEG, "", "", 415),
        (JPEG, "image/png", "", 422),
        (JPEG, "image/jpeg", digest(b"other"), 422),
        (JPEG, "image/jpeg", "sha-256=:!!!:", 422),
        (JPEG, "image/jpeg", "md5=:AAAA:", 422),
        (b"", "image/jpeg", "", 422),
        (JPEG + b"\0" * 10_485_760, "image/jpeg", "", 413),
    ],
)
async def test_what_is_not_taken(content: bytes, media_type: str, content_digest: str, status: int) -> None:
    """Another type, another digest, too much: a problem that says what to send."""
    headers = {"Content_Type": media_type} | ({"Content_Digest": content_digest} if content_digest else {})
    answer = await Counter().http("POST", "/v1/attachments", content, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "x.jpg",
        "a" * 64 + ".exe",
        "a" * 64 + ".jpg%00",
        "a" * 64 + ".jpg",
        "%ff",
    ],
)
async def test_a_name_that_intake_did_not_make_opens_nothing(name: str) -> None:
    """404, whatever tricks stand in it."""
    answer = await Counter().http("GET", f"/v1/attachments/{name}")
    assert answer.status_code == 404


async def test_on_the_local_disk_everything_stays_in_its_folder(tmp_path: Path) -> None:
    """Kept, given, and nothing where there is nothing."""
    store = files("", str(tmp_path))
    await store.keep("ab/abcd.jpg", JPEG)
    assert await store.give("ab/abcd.jpg") == JPEG
    assert await store.give("ab/none.jpg") is None
    assert (tmp_path / "attachments" / "ab" / "abcd.jpg").read_bytes() == JPEG


def test_what_is_no_store_is_said_at_the_start() -> None:
    """A ValueError that names the variable."""
    with pytest.raises(ValueError, match="GRIDCALL_ATTACHMENTS"):
        files("ftp://nowhere", "")


def test_every_type_that_may_be_uploaded_is_known_by_its_beginning() -> None:
    """None of them is HTML or can carry a script that a browser runs."""
    assert not {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"} & set(ENDINGS)
