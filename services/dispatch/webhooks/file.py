"""Which departments are reached by HTTP, where, and with which secret? The file that GRIDCALL_WEBHOOKS names says it.

How a department is reached belongs to a deployment and not to a city: so it stands neither in the profile nor on
the log. Secrets are named there, never written down: an environment variable, or a file.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.dispatch.settings import variable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from urllib.parse import SplitResult

    from shared.profile import Profile

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
SHORTEST_SECRET: Final = 24
"""Bytes that the Standard Webhooks specification asks for at least."""
SHORTEST_TOKEN: Final = 24
SCHEMES: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to change: where it stands, and a sentence on what to do."""

    file: str
    line: int
    detail: str

    def __str__(self) -> str:
        """One line for a terminal: `file:line: detail`."""
        return f"{self.file}:{self.line}: {self.detail}"


class WebhooksInvalid(ValueError):  # noqa: N818 - named like ProfileInvalid
    """The file cannot be used; `faults` says everything that must change."""

    def __init__(self, *faults: Fault) -> None:
        """Give one line for each fault."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Reference(_Strict):
    """Where a secret is: exactly one of the two."""

    env: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="an environment variable of dispatch"
    )
    file: Path | None = Field(None, description="a file that holds the secret and nothing else")

    @model_validator(mode="after")
    def _one(self) -> Reference:
        if (self.env is None) == (self.file is None):
            raise ValueError("name the secret by `env: VARIABLE` or by `file: PATH`, one of them")
        return self

    def read(self) -> str:
        """Give the secret; raises ValueError, which says where it is missing and nothing of what it is."""
        if self.env is not None:
            found = variable(self.env)
            if not found:
                raise ValueError(f"the environment variable {self.env} is not set: set it where dispatch is started")
            return found.strip()
        try:
            return Path(self.file or "").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ValueError(f"the secret's file {self.file} cannot be read ({why})") from None


class Entry(_Strict):
    """One department, as the file describes it."""

    department: str = Field(max_length=64)
    url: str | None = Field(None, max_length=2000)
    """Where its records are posted; left out: it pulls the feed."""
    secrets: tuple[Reference, ...] = Field(min_length=1, max_length=3)
    """All of them sign, any of them is accepted: so that a secret can be changed without a pause."""
    token: Reference | None = None
    """A bearer token with which the feed may be read instead of a signature."""
    allow_private: bool = False
    """The target is on a private network."""
    allow_http: bool = False
    """The target is asked without TLS."""
    ca_file: Path | None = None
    """Certificates that the target's is checked against, instead of the usual ones."""
    concurrency: Annotated[int, Field(ge=1, le=32)] = 4
    """Tickets that are delivered at the same time."""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 15.0
    """How long one delivery may take in all."""
    first_pause_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    longest_pause_s: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    give_up_after_s: Annotated[float, Field(gt=0, le=31 * 86_400)] = 3 * 86_400.0
    """How long after its first attempt a delivery becomes a dead letter."""
    queue: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Records that wait; when as many do, the department's topic is not read on."""


class Content(_Strict):
    """The whole file."""

    allowed_hosts: tuple[Annotated[str, Field(max_length=300)], ...] = ()
    """`host` for its usual port, `host:port` for another: what is not listed is never connected to."""
    departments: tuple[Entry, ...] = Field((), max_length=500)


@dataclass(frozen=True, slots=True)
class HttpDepartment:
    """A department that is reached by HTTP, with its secrets."""

    entry: Entry
    topic: str
    """Its name in topics."""
    keys: tuple[bytes, ...]
    token: bytes | None

    @property
    def id(self) -> str:
        """Give the profile's name of it."""
        return self.entry.department

    def __repr__(self) -> str:
        """Show no secret."""
        return f"HttpDepartment({self.id!r})"


def load(path: str, profile: Profile, *, secrets: bool = True) -> dict[str, HttpDepartment]:
    """Give the departments that the file names, by id; none without a file. Raises WebhooksInvalid.

    Without `secrets` none is read: what the file says can be checked where they are not.
    """
    if not path:
        return {}
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = Content.model_validate(yaml.safe_load(text) or {})
    except OSError as error:
        raise WebhooksInvalid(Fault(path, 1, f"cannot read the file ({error.strerror}): correct its path")) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise WebhooksInvalid(Fault(path, mark.line + 1 if mark else 1, "no YAML in UTF-8: correct it here")) from None
    except ValidationError as error:
        faults = (Fault(path, _line(root, each["loc"]), _sentence(each)) for each in error.errors())
        raise WebhooksInvalid(*faults) from None
    return _departments(path, root, content, profile, secrets=secrets)


def _line(node: yaml.Node | None, where: Sequence[int | str]) -> int:
    """Give the line of a piece of the file, or of the nearest piece around it that is there."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pieces = {key.value: (key, value) for key, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            pieces = {number: (value, value) for number, value in enumerate(node.value)}
        else:
            break
        if part not in pieces:
            break
        begin, node = pieces[part]
        line = begin.start_mark.line + 1
    return line


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such setting: remove it or correct its name"
    return f"{where}: {str(error['msg']).removeprefix('Value error, ')}"


def _departments(
    path: str, root: yaml.Node | None, content: Content, profile: Profile, *, secrets: bool
) -> dict[str, HttpDepartment]:
    topics = {each.id: each.topic for each in profile.departments}
    found: dict[str, HttpDepartment] = {}
    wrong: list[Fault] = []
    for number, entry in enumerate(content.departments):
        try:
            _check_name(entry.department, topics, found)
            _check_target(entry, content.allowed_hosts)
            keys = tuple(_key(each.read()) for each in entry.secrets if secrets)
            token = _token(entry.token.read()) if entry.token is not None and secrets else None
            found[entry.department] = HttpDepartment(entry, topics[entry.department], keys, token)
        except ValueError as error:
            wrong.append(Fault(path, _line(root, ("departments", number)), f"departments.{number}: {error}"))
    if wrong:
        raise WebhooksInvalid(*wrong)
    return found


def _check_name(name: str, known: Collection[str], named: Collection[str]) -> None:
    if name not in known:
        raise ValueError(f"the profile has no department {name}: use one of {', '.join(known)}")
    if name in named:
        raise ValueError(f"{name} is named twice: keep one of the two")


def _check_target(entry: Entry, allowed: tuple[str, ...]) -> None:
    """Raise ValueError when a target may not be one; its address is looked at when it is connected to."""
    if entry.url is None:
        return
    parts = urlsplit(entry.url)
    if parts.scheme not in SCHEMES or not parts.hostname or not entry.url.isascii() or not entry.url.isprintable():
        raise ValueError("url is no https address: write https://HOST/PATH")
    if parts.scheme == "http" and not entry.allow_http:
        raise ValueError("url is not https: use https, or set allow_http when the way there is safe")
    if parts.username is not None or parts.password is not None or parts.fragment or " " in entry.url:
        raise ValueError("url holds a user, a password, a fragment or a space: remove it")
    if _place(parts) not in {_named(each, parts.scheme) for each in allowed}:
        raise ValueError(f"{parts.hostname} is not among allowed_hosts: add it there as HOST or HOST:PORT")
    if entry.ca_file is not None and not entry.ca_file.is_file():
        raise ValueError(f"ca_file {entry.ca_file} is not there: correct the path")


def _place(parts: SplitResult) -> tuple[str, int]:
    return (parts.hostname or "").rstrip(".").lower(), parts.port or SCHEMES[parts.scheme]


def _named(allowed: str, scheme: str) -> tuple[str, int]:
    return _place(urlsplit(f"{scheme}://{allowed}"))


def _key(secret: str) -> bytes:
    """Give the key of a secret in the form of Standard Webhooks; raises ValueError."""
    form = f"a secret must be {SECRET_PREFIX} and then base64 of {SHORTEST_SECRET} random bytes or more: make a new one"
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(form)
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(form) from None
    if len(key) < SHORTEST_SECRET:
        raise ValueError(form)
    return key


def _token(token: str) -> bytes:
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"a token must be {SHORTEST_TOKEN} or more printable ASCII characters: make a new one")
    return token.encode()
