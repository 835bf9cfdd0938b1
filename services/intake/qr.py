"""What does somebody see who scans a QR code (码上办)? A form for its place, and how far their report is."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from services.intake.domain import linked
from shared.chance import random_id
from shared.errors import TryLater
from shared.http import FORM, RETRY_AFTER_S, Problem, trace_of
from shared.messages import Words
from shared.messages.doors import is_link
from shared.qr import ROOT, path_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from services.intake.api import Counter
    from services.intake.domain import View
    from shared.profile import Profile

TEMPLATES: Final = Path(__file__).with_name("templates")
LARGEST_FORM: Final = 256 * 1024
"""Bytes: the longest text that may be sent, in Chinese and percent-encoded, is shorter."""
MOST_FIELDS: Final = 20
LONGEST: Final = {"name": 100, "phone": 40, "photo": 2000}
"""Characters, as a report takes them."""
TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{16,64}")
"""A form carries one of its own, so that sending it twice makes one report."""

CHOOSE: Final = Words(zh="请选择一类服务。", en="Choose one of the services.")
SAY: Final = Words(zh="请填写您要反映的事情。", en="Say what the matter is.")
TOO_LONG: Final = Words(zh="内容太长,请缩短至{most}字以内。", en="This is too long: shorten it to {most} characters.")
NOT_A_LINK: Final = Words(
    zh="照片链接须以 http:// 或 https:// 开头,中间没有空格。",
    en="Give the photo's address, beginning with http:// or https://, without spaces.",
)
PHONE_NEEDED: Final = Words(zh="需要回访时请填写电话号码。", en="Give a phone number, or do not ask to be called back.")
NO_CONTROL: Final = Words(zh="含有不能使用的字符,请删除。", en="This holds a character that cannot be used: remove it.")

UNKNOWN_CODE: Final = Words(
    zh="没有这个二维码。请核对网址,或重新扫码,也可以拨打热线反映。",
    en="There is no such code. Check the address or scan the code again, or call the hotline instead.",
)
UNKNOWN_PAGE: Final = Words(zh="没有这个页面,请重新扫码。", en="There is no such page: scan the code again.")
NO_REPORT: Final = Words(
    zh="没有这个编号的诉求,请使用提交后给您的链接。",
    en="There is no report of this number: use the link that you were given.",
)
WRONG_TOKEN: Final = Words(
    zh="链接不完整,请使用提交后给您的完整链接。",
    en="The link is not complete: use the whole link that you were given.",
)
NOT_THE_FORM: Final = Words(
    zh="没有收到完整的表单,请重新扫码后填写。",
    en="This is not the whole form: scan the code again and fill it in anew.",
)
SENT_BEFORE: Final = Words(
    zh="这张表单已用其他内容提交过。如要反映另一件事,请重新打开表单。",
    en="This form was sent before with other words. Open a new form to report something else.",
)
TOO_LARGE: Final = Words(zh="内容太大,请缩短文字。", en="This is too large: shorten the text.")
AWAY: Final = Words(
    zh="系统暂时无法受理,您的内容没有提交,请稍后再试。",
    en="This is not possible just now and nothing was taken: try again in a moment.",
)
NOT_TAKEN: Final = Words(zh="未能受理。", en="It could not be taken.")
DEFECT: Final = Words(
    zh="系统出现故障,请稍后再试。", en="Something is broken here and has been logged: try again later."
)


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody wrote into the form; what they left out is empty."""

    token: str = ""
    service: str = ""
    text: str = ""
    name: str = ""
    phone: str = ""
    callback: bool = False
    photo: str = ""
    wrong: dict[str, Words] = field(default_factory=dict)
    """By the name of a field, what to change."""


class _Sentence(Exception):  # noqa: N818 - the end of a request, not a bug
    """A page with one sentence."""

    def __init__(self, status: int, words: Words, headers: dict[str, str] | None = None) -> None:
        super().__init__(words.en)
        self.status, self.words, self.headers = status, words, headers


def add_pages(app: FastAPI, counter: Counter) -> None:
    """Add the pages under /q/ to intake's application; they are for people and not part of its OpenAPI document."""
    pages = Pages(counter)
    app.mount(ROOT, pages.app())
    app.add_middleware(_FormLimit, page=pages.sentence(413, TOO_LARGE))


class _FormLimit:
    """Answers a form that says itself that it is too large with a page, before anybody reads it."""

    def __init__(self, app: ASGIApp, page: Response) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"].startswith(f"{ROOT}/"):
            declared = dict(scope["headers"]).get(b"content-length", b"0")
            if declared.isdigit() and int(declared) > LARGEST_FORM:
                app = self._page
        await app(scope, receive, send)


class Pages:
    """The pages, on the same counter at which apps and hotlines stand."""

    def __init__(self, counter: Counter) -> None:
        """Read the templates."""
        self._counter = counter
        self._profile: Profile = counter.profile
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
        self._templates.globals["style"] = Markup(style)  # noqa: S704 - our own file
        self._templates.globals["profile"] = self._profile
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",  # an address may carry a tracking token
            "Cache-Control": "no-store",
        }

    def app(self) -> Starlette:
        """Give the application that is mounted under /q."""
        return Starlette(
            routes=[
                Route("/track/{report_id}", self.track),
                Route("/{code:path}", self.form, methods=["GET"]),
                Route("/{code:path}", self.submit, methods=["POST"]),
            ],
            exception_handlers={
                _Sentence: self._told,
                TryLater: self._later,
                HTTPException: self._http_error,
                Exception: self._defect,
            },
        )

    # ------------------------------------------------------------ pages

    async def form(self, request: Request) -> Response:
        """Give an empty form for the place of the code."""
        return self._form(self._code(request), Filled(token=random_id()))

    async def submit(self, request: Request) -> Response:
        """Take a report as POST /v1/reports does, and tell where to follow it."""
        code = self._code(request)
        filled = read(await _body(request), self._profile)
        if filled.wrong:
            return self._form(code, filled, 422)
        body = orjson.dumps(report(filled, code, self._profile))
        try:
            taken = await self._counter.hand_in(f"qr/{filled.token}", body, trace_of(request))
        except Problem as problem:
            return self._refused(code, filled, problem)
        told = self._counter.accepted(taken)
        link = f"{ROOT}/track/{told.report_id}?token={told.tracking_token}"
        return self._page("taken.html", 201, report_id=told.report_id, link=link, again=path_of(code))

    async def track(self, request: Request) -> Response:
        """Tell in plain words how far a report is."""
        try:
            view: View = await self._counter.track(
                request.path_params["report_id"], request.query_params.get("token", "")
            )
        except Problem as problem:
            words = WRONG_TOKEN if problem.status == HTTPStatus.FORBIDDEN else NO_REPORT
            raise _Sentence(problem.status, words) from problem
        return self._page("track.html", 200, view=view, local=self._profile.local)

    def sentence(self, status: int, words: Words, headers: dict[str, str] | None = None) -> Response:
        """Give a page that says one thing."""
        return self._page("sentence.html", status, headers, words=words)

    # ------------------------------------------------------------ parts

    def _code(self, request: Request) -> str:
        code: str = request.path_params["code"]
        found = self._profile.locate(qr=code) if code else None
        if found is None:
            raise _Sentence(404, UNKNOWN_CODE)
        return code

    def _form(self, code: str, filled: Filled, status: int = 200, told: str = "") -> Response:
        found = self._profile.locate(qr=code)
        units = reversed(self._profile.chain(found.unit)) if found else ()
        return self._page(
            "form.html",
            status,
            filled=filled,
            told=told,
            units=list(units),
            classes=self._profile.content.qr.classes,
            most=self._profile.intake.max_text,
            longest=LONGEST,
            photos=not self._counter.digests,  # nobody fills in a digest by hand
        )

    def _refused(self, code: str, filled: Filled, problem: Problem) -> Response:
        """Show the form again with what intake's own rules say; what cannot be mended in it gets a page."""
        if any(error["pointer"] for error in problem.errors):
            return self._form(code, filled, problem.status, problem.detail)
        if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _Sentence(HTTPStatus.CONFLICT, SENT_BEFORE) from problem
        words = AWAY if problem.status == HTTPStatus.TOO_MANY_REQUESTS else NOT_TAKEN
        raise _Sentence(problem.status, words, problem.headers) from problem

    def _page(
        self, template: str, status: int, headers: dict[str, str] | None = None, /, **content: Any
    ) -> HTMLResponse:
        page = self._templates.get_template(template).render(**content)
        return HTMLResponse(page, status, self._headers | (headers or {}))

    async def _told(self, _request: Request, error: Exception) -> Response:
        if not isinstance(error, _Sentence):
            raise error
        return self.sentence(error.status, error.words, error.headers)

    async def _later(self, _request: Request, _error: Exception) -> Response:
        return self.sentence(503, AWAY, {"Retry-After": str(RETRY_AFTER_S)})

    async def _http_error(self, _request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        words = NOT_THE_FORM if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else UNKNOWN_PAGE
        return self.sentence(error.status_code, words, dict(error.headers or {}))

    async def _defect(self, _request: Request, _error: Exception) -> Response:
        return self.sentence(500, DEFECT)


async def _body(request: Request) -> dict[str, str]:
    """Give the fields of a form, the last of each name; raises a page for what no form of ours sends."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise _Sentence(415, NOT_THE_FORM)
    try:
        content = (await request.body()).decode("ascii")
        pairs = parse_qsl(content, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise _Sentence(400, NOT_THE_FORM) from error
    return {name: value.strip().replace("\r\n", "\n") for name, value in pairs}


def read(fields: dict[str, str], profile: Profile) -> Filled:
    """Give what was filled in, with what must be changed; raises a page when it is not a form that we gave out."""
    token = fields.get("form", "")
    if not TOKEN.fullmatch(token):
        raise _Sentence(400, NOT_THE_FORM)
    said = {name: fields.get(name, "") for name in ("service", "text", "name", "phone", "photo")}
    callback = bool(fields.get("callback"))
    wrong: dict[str, Words] = {}
    if said["service"] not in {each.id for each in profile.content.qr.classes}:
        wrong["service"] = CHOOSE
    if not said["text"]:
        wrong["text"] = SAY
    if said["photo"] and not is_link(said["photo"]):
        wrong["photo"] = NOT_A_LINK
    if callback and not any(letter.isdigit() for letter in said["phone"]):
        wrong["phone"] = PHONE_NEEDED
    for name, most in (("text", profile.intake.max_text), *LONGEST.items()):
        if len(said[name]) > most:
            wrong[name] = Words(zh=TOO_LONG.zh.format(most=most), en=TOO_LONG.en.format(most=most))
        if "\0" in said[name]:
            wrong[name] = NO_CONTROL
    return Filled(token=token, callback=callback, wrong=wrong, **said)


def report(filled: Filled, code: str, profile: Profile) -> dict[str, Any]:
    """Give the body of a report as POST /v1/reports takes it; whoever leaves no phone number is anonymous."""
    chosen = next(each for each in profile.content.qr.classes if each.id == filled.service)
    body: dict[str, Any] = {
        "channel": "qr",
        "request": chosen.request,
        "text": filled.text,
        "category": chosen.category or chosen.zh[:64],
        "place": {"qr": code},
        "caller": {
            "name": filled.name or None,
            "phone": filled.phone or None,
            "anonymous": not (filled.phone or filled.name),
            "callback": filled.callback,
        },
        "attributes": {"service_class": chosen.id},
    }
    if chosen.condition:
        body["condition"] = chosen.condition
    if filled.photo:
        body["attachments"] = [linked(filled.photo)]
    return body
