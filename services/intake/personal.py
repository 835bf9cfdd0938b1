"""Who may read what people say of themselves? Whoever holds one key: everything personal is sealed with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken

from services.intake.domain import bare_digits, masked_json, masked_phone
from shared.errors import Refused
from shared.ids import named
from shared.messages import CallerRef

if TYPE_CHECKING:
    from services.intake.settings import Settings
    from shared.messages import ReportSubmitted

KEY_FILE = "pii.key"
LONGEST_MASKED = 64 * 1024
"""Longest unreadable record whose masked form is put on a topic; of a longer one only its length."""


def key_from(settings: Settings) -> str:
    """Give the key that is set; else the one in GRIDCALL_DATA/pii.key, made (mode 600) when it is missing."""
    given = settings.pii_key.get_secret_value().strip()
    return given or _kept(Path(settings.data) / KEY_FILE)


def _kept(path: Path) -> str:
    """Give the key in the file; of two processes that make one at once, both get the one that was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 600
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_text(encoding="ascii").strip()


class Personal:
    """Seals and opens, and gives what may be known without the key's owner: references, tokens, masked forms."""

    def __init__(self, key: str) -> None:
        """Raises ValueError when `key` is not 32 bytes in url-safe base64."""
        try:
            self._fernet = Fernet(key)
            self._root = base64.urlsafe_b64decode(key)
        except ValueError as error:
            problem = (
                "GRIDCALL_PII_KEY must be 32 bytes in url-safe base64; make one with: "
                'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
            )
            raise ValueError(problem) from error
        self._keys = {use: self._mac(self._root, use) for use in ("caller", "token", "digest", "note", "file")}

    @staticmethod
    def _mac(key: bytes, text: str | bytes) -> bytes:
        return hmac.digest(key, text if isinstance(text, bytes) else text.encode("utf-8", "replace"), "sha256")

    def seal(self, content: bytes) -> bytes:
        """Give `content` encrypted."""
        return self._fernet.encrypt(content)

    def unseal(self, sealed: bytes) -> bytes:
        """Give what was sealed; raises Refused when that was done with another key."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise Refused(
                "wrong-key",
                "This was sealed with another key: start intake with the GRIDCALL_PII_KEY of that time.",
                "该记录由另一密钥加密,请用当时的GRIDCALL_PII_KEY启动。",
            ) from error

    def caller(self, report: ReportSubmitted, ticket: str) -> CallerRef:
        """Give what may travel of who asked.

        The same phone gives the same reference, from which it cannot be guessed without the key; of somebody
        who stays anonymous, or gives no phone, the reference follows from the ticket and connects nothing.
        """
        asked = report.caller
        digits = "" if asked.anonymous else bare_digits(asked.phone or "")
        known = f"phone:{digits}" if digits else f"ticket:{ticket}"
        return CallerRef(
            ref=named("caller", self._mac(self._keys["caller"], known).hex()),
            masked_phone=None if asked.anonymous else masked_phone(asked.phone),
            anonymous=asked.anonymous,
            callback=asked.callback,
        )

    def token(self, ticket: str) -> str:
        """Give the tracking token of a report: it follows from the key, so it need not be kept anywhere."""
        return base64.urlsafe_b64encode(self._mac(self._keys["token"], ticket)[:24]).decode()

    def opens(self, ticket: str, token: str) -> bool:
        """Tell in constant time whether `token` is the report's."""
        return hmac.compare_digest(self.token(ticket).encode(), token.encode("utf-8", "replace"))

    def digest(self, content: bytes) -> bytes:
        """Give what tells two contents apart and nothing about either."""
        return hashlib.blake2b(content, digest_size=16, key=self._keys["digest"]).digest()

    def file(self, sha256: bytes, media_type: str) -> str:
        """Give the name of a file: always the same for the same one, and nobody without the key can tell it."""
        return self._mac(self._keys["file"], sha256 + media_type.encode()).hex()

    def masked_record(self, content: bytes) -> bytes:
        """Give what may be shown of something unreadable: a masked JSON object, or a note that it was left out."""
        if len(content) <= LONGEST_MASKED:
            try:
                found = json.loads(content)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                try:
                    return json.dumps(masked_json(found), ensure_ascii=True).encode()
                except RecursionError:
                    pass
        return json.dumps(self._note(content)).encode()

    def _note(self, content: bytes) -> dict[str, Any]:
        """The fingerprint is keyed: a bare hash of something as short as a phone number can be guessed."""
        return {
            "left_out": "it may hold personal data; the whole is sealed in intake's own store",
            "bytes": len(content),
            "fingerprint": self._mac(self._keys["note"], content).hex(),
        }
