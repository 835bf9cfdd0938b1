"""Which files come with a request? Links to them, and files themselves as parts of a multipart form.

A file that is sent is kept as an upload is, under a name that follows from what is in it: what the sender calls it
becomes part of nothing.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from services.intake.open311.given import MOST_FIELDS, Given, collected, form, wrong
from shared.http import MAX_BODY, Problem

if TYPE_CHECKING:
    from fastapi import Request

    from services.intake.attachments import Uploads

MULTIPART: Final = "multipart/form-data"
MOST_FILES: Final = 20
"""As many as a report takes attachments."""
PARTS: Final = frozenset({"media", "media[]", "media_url"})
"""What a part with a file may be called."""
ANYTHING: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Photo:
    """A file as it was sent."""

    content: bytes
    media_type: str


async def read_form(request: Request) -> tuple[Given, list[Photo]]:
    """Give what a form says and the files in it; raises Problem for any other kind of body."""
    said = request.headers.get("content-type", "")
    if said.partition(";")[0].strip().lower() == MULTIPART:
        return await _parts(request)
    raw = await request.body()
    if len(raw) > MAX_BODY:
        raise wrong(f"表单过大。 The form is too large: send at most {MAX_BODY} bytes.", 413)
    return form(said, raw), []


async def _parts(request: Request) -> tuple[Given, list[Photo]]:
    fields: list[tuple[str, str]] = []
    photos: list[Photo] = []
    try:
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=MAX_BODY) as parts:
            for name, value in parts.multi_items():
                if not isinstance(value, UploadFile):
                    fields.append((name, value))
                elif value.filename or value.size:  # a browser sends an empty part where no file was chosen
                    photos.append(await _photo(name, value))
    except HTTPException as error:
        raise wrong(f"表单无法读取。 This is no {MULTIPART} that can be read: {error.detail}") from error
    return collected(fields), photos


async def _photo(name: str, part: UploadFile) -> Photo:
    if name not in PARTS:
        raise wrong("文件请以media为名提交。 Send a file as the part media.")
    kind = part.content_type or ANYTHING
    if kind == ANYTHING:  # the end of the name is a hint; whether the file begins as its type does is looked at
        kind = mimetypes.guess_type(part.filename or "")[0] or ANYTHING
    return Photo(await part.read(), kind)


async def attached(
    linked: list[dict[str, Any]], photos: list[Photo], uploads: Uploads, base: str, *, digests: bool
) -> list[dict[str, Any]]:
    """Give a report's attachments, files kept by then; raises Problem for what is not taken, and TryLater.

    Where attachments need their digest, a link does for a file that was uploaded here, since a form has no place
    for digests.
    """
    found = list(linked)
    for attachment in found if digests else ():
        attachment["sha256"] = await uploads.digest(attachment["url"], base)
        if attachment["sha256"] is None:
            raise wrong(
                "media_url: 此处不接受外部链接,请直接提交文件(media)。 Links to files elsewhere are not taken here: "
                f"send the file itself as the part media of a {MULTIPART}, or leave it out."
            )
    for photo in photos:
        if len(photo.content) > uploads.largest:
            raise wrong(f"media: 文件过大。 The file is too large: send at most {uploads.largest} bytes.", 413)
        try:
            kept = await uploads.take(photo.content, photo.media_type, "", base)
        except Problem as problem:
            raise wrong(f"media: 不接受此文件。 {problem.title}: {problem.detail}.", problem.status) from problem
        found.append(kept.model_dump())
    return found
