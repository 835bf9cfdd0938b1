"""What does somebody get who scans a code, and what do they get who send something else than the form?"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from services.intake.api import Counter as Desk
from services.intake.pressure import too_many
from services.intake.qr import LARGEST_FORM, MOST_FIELDS, add_pages
from services.intake.together import Together
from shared.errors import TryLater
from shared.http import FORM, create_app
from shared.messages import TicketReported
from shared.qr import path_of
from shared.topics import TICKETS
from tests.unit.intake.counter import Counter, profile

CODE = "YC001001001"
GRID = "511802001001001"
PATH = f"/q/{CODE}"
ATTACK = '<script>alert("1")</script>\'&{{7*7}}'


class Tags(HTMLParser):
    """The tags of a page with their attributes, in order."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.found.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        """Give the attributes of these tags."""
        return [attributes for tag, attributes in self.found if tag in tags]


async def opened(counter: Counter) -> dict[str, str]:
    """Open the form of the code, and fill in what is needed."""
    page = Tags((await counter.http("GET", PATH)).text)
    hidden = {str(each["name"]): str(each["value"]) for each in page.all("input") if each.get("type") == "hidden"}
    return hidden | {"service": "hazard", "text": "楼道堆放杂物"}


async def send(counter: Counter, fields: dict[str, str], path: str = PATH) -> httpx.Response:
    """Send a form as a browser does."""
    return await counter.http("POST", path, urlencode(fields).encode(), Content_Type=FORM)


def reports(counter: Counter) -> list[dict[str, Any]]:
    """Give the bodies that were taken, as they were sealed."""
    return [orjson.loads(counter.personal.unseal(each["sealed"])) for each in counter.store.documents.values()]


def is_page(answer: httpx.Response) -> bool:
    """Tell whether it is a page in both languages."""
    page = answer.text
    return answer.headers["content-type"] == "text/html; charset=utf-8" and 'lang="zh"' in page and 'lang="en"' in page


async def test_the_form_names_the_place_and_the_six_services() -> None:
    """In Chinese and in English, with the names of the place from the district down to the grid."""
    answer = await Counter().http("GET", PATH)
    assert answer.status_code == 200
    assert is_page(answer)
    for words in ("雨城区", "东大街社区第一网格", "Dongdajie Grid 1"):
        assert words in answer.text
    for words in ("信访投诉", "纠纷化解", "法律服务", "治安联防", "心理咨询", "隐患上报", "Reporting a hazard"):
        assert words in answer.text


async def test_the_form_works_without_scripts_and_can_be_read_aloud() -> None:
    """Every field has a label of its own, and nothing is loaded from anywhere."""
    page = Tags((await Counter().http("GET", PATH)).text)
    assert not page.all("script", "img", "link", "iframe", "object")
    assert [each["method"] for each in page.all("form")] == ["post"]
    labels = {each.get("for") for each in page.all("label")}
    fields = [each for each in page.all("input", "textarea") if each.get("type") != "hidden"]
    assert len(fields) == 11
    assert all(each["id"] in labels for each in fields)
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]


async def test_a_page_lets_a_browser_load_and_run_nothing() -> None:
    """The policy allows our own style only; nothing of an address with a token goes elsewhere."""
    headers = (await Counter().http("GET", PATH)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_a_report_is_taken_as_by_the_api_with_the_place_of_the_code() -> None:
    """Sealed in the store with name and phone; the fact has the place and no personal data."""
    counter = Counter()
    fields = await opened(counter) | {
        "name": "测试人",
        "phone": "13900000000",
        "callback": "yes",
        "photo": "https://pictures.example/1.png",
    }
    answer = await send(counter, fields)
    assert answer.status_code == 201
    (body,) = reports(counter)
    assert body["channel"] == "qr"
    assert body["place"] == {"qr": CODE}
    assert body["caller"] == {"name": "测试人", "phone": "13900000000", "anonymous": False, "callback": True}
    assert body["attachments"] == [{"url": "https://pictures.example/1.png", "media_type": "image/png"}]
    await counter.spool.step()
    (said,) = [each for each in counter.paper.sent if each.topic == TICKETS]
    fact = TicketReported.model_validate_json(said.value)
    assert (fact.channel, fact.request, fact.category) == ("qr", "tip-off", "隐患上报")
    assert fact.attributes == {"service_class": "hazard"}
    assert profile().locate(qr=fact.place.qr).grid == GRID  # type: ignore[union-attr]
    assert b"13900000000" not in said.value
    assert "测试人".encode() not in said.value


async def test_after_it_the_report_can_be_followed() -> None:
    """The page has the number and a link, and behind the link it says in words how far it is."""
    counter = Counter()
    taken = await send(counter, await opened(counter))
    (ticket,) = counter.store.documents
    assert ticket in taken.text
    (link,) = [str(each["href"]) for each in Tags(taken.text).all("a") if "token=" in str(each["href"])]
    followed = await counter.http("GET", link)
    assert followed.status_code == 200
    assert is_page(followed)
    assert "已受理,正在核对" in followed.text
    assert "Taken, being looked at" in followed.text


async def test_who_leaves_nothing_is_anonymous() -> None:
    """Name and phone are needed for nothing."""
    counter = Counter()
    await send(counter, await opened(counter))
    (body,) = reports(counter)
    assert body["caller"] == {"name": None, "phone": None, "anonymous": True, "callback": False}


async def test_a_form_that_is_sent_twice_is_one_report() -> None:
    """Both times the same answer; with other words under the same token nothing is taken and a page says so."""
    counter = Counter()
    fields = await opened(counter)
    first, second = await send(counter, fields), await send(counter, fields)
    assert (first.status_code, first.text) == (second.status_code, second.text)
    other = await send(counter, fields | {"text": "另一件事"})
    assert other.status_code == 409
    assert is_page(other)
    assert len(counter.store.documents) == 1
    third = await send(counter, await opened(counter))
    assert third.status_code == 201
    assert len(counter.store.documents) == 2


async def test_an_unknown_code_gets_a_page() -> None:
    """For reading and for sending, whatever the address holds."""
    counter = Counter()
    fields = await opened(counter)
    for path in ("/q/", "/q/NOWHERE", "/q/a/b", "/q/%00", "/q/%ff", "/q/..%2f..%2fetc%2fpasswd", "/q/" + "x" * 5000):
        for answer in (await counter.http("GET", path), await send(counter, fields, path)):
            assert answer.status_code == 404, path
            assert is_page(answer)
    assert not counter.store.documents


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("no service", {"service": ""}, "service-wrong"),
    ("an unknown service", {"service": "taxes"}, "service-wrong"),
    ("no text", {"text": " \r\n "}, "text-wrong"),
    ("a long text", {"text": "长" * 10_001}, "text-wrong"),
    ("a NUL", {"text": "a\0b"}, "text-wrong"),
    ("a long phone", {"phone": "1" * 41}, "phone-wrong"),
    ("a long name", {"name": "长" * 101}, "name-wrong"),
    ("a call back without a phone", {"callback": "yes"}, "phone-wrong"),
    ("a script for a photo", {"photo": "javascript:alert(1)"}, "photo-wrong"),
    ("a photo with spaces", {"photo": "https://a.example/b c"}, "photo-wrong"),
    ("a photo at no address", {"photo": "http://[a.example/b.png"}, "photo-wrong"),
]


@pytest.mark.parametrize(("name", "change", "named"), WRONG, ids=[name for name, *_ in WRONG])
async def test_what_must_be_changed_stands_at_its_field(name: str, change: dict[str, str], named: str) -> None:
    """The form comes back with what was written; nothing is taken; corrected, it goes through."""
    counter = Counter()
    fields = await opened(counter)
    answer = await send(counter, fields | change)
    assert answer.status_code == 422, name
    assert is_page(answer)
    assert f'id="{named}"' in answer.text
    assert f'aria-describedby="{named}"' in answer.text
    assert f'value="{fields["form"]}"' in answer.text
    assert not counter.store.documents
    assert (await send(counter, fields)).status_code == 201


STRANGE: list[tuple[str, bytes, str, int]] = [
    ("json", b'{"text": "x"}', "application/json", 415),
    ("multipart", b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
    ("nothing said of it", b"text=x", "", 415),
    ("empty", b"", FORM, 400),
    ("no token", b"service=hazard&text=x", FORM, 400),
    ("a bad token", b"service=hazard&text=x&form=<>", FORM, 400),
    ("not ASCII", "text=长".encode(), FORM, 400),
    ("not UTF-8", b"text=%ff", FORM, 400),
    ("many fields", b"&".join(b"a=1" for _ in range(MOST_FIELDS + 1)), FORM, 400),
    ("large", b"text=" + b"x" * LARGEST_FORM, FORM, 413),
]


@pytest.mark.parametrize(("name", "content", "kind", "status"), STRANGE, ids=[name for name, *_ in STRANGE])
async def test_what_no_form_of_ours_sends_gets_a_page(name: str, content: bytes, kind: str, status: int) -> None:
    """A sentence, never a fault of ours."""
    counter = Counter()
    answer = await counter.http("POST", PATH, content, Content_Type=kind)
    assert answer.status_code == status, name
    assert is_page(answer)
    assert not counter.store.documents


async def test_where_files_need_digests_the_form_asks_for_no_photo() -> None:
    """Nobody can fill one in by hand."""
    counter = Counter()
    assert 'name="photo"' in (await counter.http("GET", PATH)).text
    together = Together(counter.store)
    desk = Desk(counter.store, counter.personal, counter.spool, profile(), counter.clock, together, digests=True)
    counter.app = create_app("intake", "0", dict)
    add_pages(counter.app, desk)
    assert 'name="photo"' not in (await counter.http("GET", PATH)).text


async def test_in_a_burst_a_page_says_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with Retry-After, and nothing was taken."""
    counter = Counter()
    fields = await opened(counter)

    async def full(*_: Any) -> None:
        raise too_many()

    monkeypatch.setattr(Desk, "hand_in", full)
    answer = await send(counter, fields)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert is_page(answer)


async def test_other_methods_get_a_page() -> None:
    """Nothing but reading and sending."""
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await Counter().http(method, PATH)
        assert answer.status_code == 405
        assert is_page(answer)


async def test_html_is_shown_as_text() -> None:
    """In every field that comes back, and where a report is followed."""
    counter = Counter()
    fields = await opened(counter) | dict.fromkeys(("service", "text", "name", "phone", "photo"), ATTACK)
    answer = await send(counter, fields)
    assert answer.status_code == 422
    assert "<script" not in answer.text
    assert answer.text.count("{{7*7}}") == 4
    assert answer.text.count("&lt;script&gt;") == 4


async def test_following_needs_the_report_and_its_token() -> None:
    """A page for a report that there is not, and for a token that does not fit."""
    counter = Counter()
    await send(counter, await opened(counter))
    (ticket,) = counter.store.documents
    for path, status in (
        ("/q/track/NOWHERE", 404),
        ("/q/track/0000000000000000?token=x", 404),
        (f"/q/track/{ticket}", 403),
        (f"/q/track/{ticket}?token={ATTACK}", 403),
    ):
        answer = await counter.http("GET", path)
        assert answer.status_code == status
        assert is_page(answer)


async def test_with_the_store_away_a_page_says_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After, and nothing was taken."""
    counter = Counter()
    fields = await opened(counter)

    async def away(*_: Any) -> None:
        raise TryLater("MongoDB is away")

    monkeypatch.setattr(type(counter.store), "insert_each", away)
    answer = await send(counter, fields)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert is_page(answer)


def test_a_code_of_any_letters_has_a_path() -> None:
    """The address is printed: it must lead back to the code."""
    assert path_of("YC-1") == "/q/YC-1"
    assert path_of("东 1/2?#") == "/q/%E4%B8%9C%201/2%3F%23"
