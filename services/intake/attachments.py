"""How does somebody hand in a photo? It is uploaded first; what comes back stands in the report as an attachment.

A file is known by what is in it: its name follows from the intake's key, its content and its type, so that sending it
twice keeps it once, nobody can guess it, and nothing that a sender writes becomes part of a path.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import FastAPI, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from shared.http import Problem, problems

if TYPE_CHECKING:
    from services.intake.files import Files
    from services.intake.personal import Personal
    from services.intake.settings import Settings

ROOT: Final = "/v1/attachments"
NAME: Final = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{2,4}")
DIGEST: Final = re.compile(r"(?:^|[,\s])sha-256=:([A-Za-z0-9+/=]{44}):")
ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/heic": "heic",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "application/pdf": "pdf",
}
"""Media types that may be uploaded at all, with the end of a file's name; the settings may allow fewer."""
BEGINNINGS: Final[dict[str, re.Pattern[bytes]]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/heic": re.compile(rb"....ftyp", re.DOTALL),
    "video/mp4": re.compile(rb"....ftyp", re.DOTALL),
    "audio/mpeg": re.compile(rb"ID3|\xff[\xe2-\xff]"),
    "audio/mp4": re.compile(rb"....ftyp", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
"""How a file of each type begins: what begins otherwise is something else."""
TYPES: Final = {ending: media_type for media_type, ending in ENDINGS.items()}
HARMLESS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=86400, immutable",
}
"""A browser saves the file, and runs nothing of it."""


class Uploaded(BaseModel):
    """A file that is kept, as it stands in a report's `attachments`."""

    url: str
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Uploads:
    """The counter at which files are handed in and fetched."""

    files: Files
    personal: Personal
    largest: int
    allowed: frozenset[str]
    public: str

    async def take(self, content: bytes, media_type: str, digest: str, base: str) -> Uploaded:
        """Keep a file; raises Problem for what is not taken."""
        kind = media_type.partition(";")[0].strip().lower()
        if kind not in self.allowed:
            detail = (
                f"send one of {', '.join(sorted(self.allowed))} as the Content-Type, and the file itself as the body"
            )
            raise Problem(415, "No such files are taken", detail)
        if not content:
            raise Problem(422, "The file is empty", "send the file itself as the body")
        if not BEGINNINGS[kind].match(content):
            raise Problem(422, "The file is something else", f"this is no {kind}: send the type that it has")
        found = hashlib.sha256(content)
        if digest and _told(digest) != found.digest():
            detail = "the file is not the one whose Content-Digest was sent: send it again"
            raise Problem(422, "The file has another digest", detail)
        name = f"{self.personal.file(found.digest(), kind)}.{ENDINGS[kind]}"
        await self.files.keep(_path(name), content)
        return Uploaded(url=f"{self.public or base}{ROOT}/{name}", media_type=kind, sha256=found.hexdigest())

    async def digest(self, url: str, base: str) -> str | None:
        """Give the SHA-256 of a file that was uploaded here, by its url; None for any other url."""
        where, _, name = url.rpartition("/")
        if where != f"{self.public or base}{ROOT}" or not NAME.fullmatch(name):
            return None
        content = await self.files.give(_path(name))
        return None if content is None else hashlib.sha256(content).hexdigest()

    async def give(self, name: str) -> Response:
        """Give a file, for saving; raises Problem."""
        content = await self.files.give(_path(name)) if NAME.fullmatch(name) else None
        if content is None:
            raise Problem(404, "No such file", "there is no file of this name: use the url that came with its upload")
        media_type = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        named = {"Content-Disposition": f'attachment; filename="{name[:12]}{name[64:]}"'}
        return Response(content, media_type=media_type, headers=HARMLESS | named)


def _path(name: str) -> str:
    return f"{name[:2]}/{name}"


def _told(digest: str) -> bytes:
    """Give the SHA-256 of a Content-Digest as RFC 9530 has it; empty for one that cannot be read."""
    found = DIGEST.search(digest)
    try:
        return base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        return b""


def add_attachments(app: FastAPI, files: Files, personal: Personal, settings: Settings) -> Uploads:
    """Add the calls that take and give files; gives the counter, at which other doors stand too."""
    allowed = frozenset(settings.attachment_types.replace(" ", "").split(",")) & frozenset(ENDINGS)
    uploads = Uploads(files, personal, settings.attachment_bytes, allowed, settings.intake_url.rstrip("/"))
    app.state.body_limits[ROOT] = settings.attachment_bytes
    binary: dict[str, Any] = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(allowed)}

    @app.post(
        ROOT,
        status_code=201,
        tags=["attachments"],
        response_model=Uploaded,
        responses=problems(413, 415, 422, 429, 503),
        openapi_extra={"requestBody": {"required": True, "content": binary}},
    )
    async def upload(
        request: Request,
        content_digest: Annotated[str, Header(description="sha-256=:BASE64: as in RFC 9530, where it is known")] = "",
    ) -> Response:
        """Keep a file: its bytes are the body; the answer is what a report's attachments need."""
        base = str(request.base_url).rstrip("/")
        given = request.headers.get("content-type", "")
        kept = await uploads.take(await request.body(), given, content_digest, base)
        return JSONResponse(kept.model_dump(), 201, {"Location": kept.url})

    @app.get(
        ROOT + "/{name}",
        tags=["attachments"],
        response_class=Response,
        responses=problems(404, 422, 429, 503) | {200: {"content": binary, "description": "the file, to be saved"}},
    )
    async def download(name: Annotated[str, Path(description="the end of the url of an upload")]) -> Response:
        """Give a file that was uploaded."""
        return await uploads.give(name)

    return uploads
