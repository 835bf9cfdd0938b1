"""What does a bad file of HTTP departments get? The file's name and what to change, and never a word of a secret."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.dispatch.app import build
from services.dispatch.settings import Settings
from services.dispatch.webhooks.file import WebhooksInvalid, load
from shared.profile import Profile, find_profile, load_profile

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TOKEN = "token-of-the-parks-department"  # noqa: S105 - of no real department
GOOD: dict[str, Any] = {
    "department": "yuanlin",
    "url": "https://orders.example/gridcall?a=1",
    "secrets": [{"env": "WEBHOOK_TEST_SECRET"}],
}


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Give the profile of the example city."""
    return load_profile(find_profile("yucheng"))


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secrets that the files name."""
    monkeypatch.setenv("WEBHOOK_TEST_SECRET", SECRET)
    monkeypatch.setenv("WEBHOOK_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("WEBHOOK_TEST_SHORT", "whsec_c2hvcnQ=")


def written(folder: Path, hosts: list[str], *entries: dict[str, Any]) -> str:
    """Write a file and give its path."""
    file = folder / "webhooks.yaml"
    content = {"allowed_hosts": hosts, "departments": list(entries)}
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return str(file)


def test_no_file_costs_nothing() -> None:
    """No department, no loop besides those that dispatch has anyway, no background step for webhooks."""
    service = build(Settings(webhooks=""))
    assert [loop.group for loop in service.loops] == ["gridcall.dispatch", "gridcall.dispatch.updates"]
    assert not [step for step in service.background if "Courier" in repr(step)]
    service.mongo.close()


def test_a_good_file(tmp_path: Path, profile: Profile) -> None:
    """Secrets come from the environment or a file, and do not show."""
    (tmp_path / "old").write_text(SECRET + "\n", encoding="utf-8")
    entry = GOOD | {
        "secrets": [{"env": "WEBHOOK_TEST_SECRET"}, {"file": str(tmp_path / "old")}],
        "token": {"env": "WEBHOOK_TEST_TOKEN"},
    }
    found = load(written(tmp_path, ["Orders.example."], entry), profile)["yuanlin"]
    assert found.keys == (bytes(range(32)),) * 2
    assert found.topic == "yuanlin"
    assert SECRET[6:] not in repr(found)
    assert TOKEN not in repr(found)


def test_a_department_that_only_pulls_needs_no_host(tmp_path: Path, profile: Profile) -> None:
    """Without a url nothing is ever connected to."""
    entry = {"department": "yuanlin", "secrets": GOOD["secrets"]}
    assert load(written(tmp_path, [], entry), profile)["yuanlin"].entry.url is None


HTTP = "http://orders.example/"
BAD: list[tuple[str, list[str], dict[str, Any], str]] = [
    ("not listed", [], {}, "allowed_hosts"),
    ("another port", ["orders.example"], {"url": "https://orders.example:8443/"}, "allowed_hosts"),
    ("another host", ["orders.example"], {"url": "https://orders.example.evil.example/"}, "allowed_hosts"),
    ("host in a user", ["orders.example"], {"url": "https://orders.example@evil.example/"}, "user"),
    ("password", ["orders.example"], {"url": "https://a:b@orders.example/"}, "password"),
    ("http", ["orders.example"], {"url": HTTP}, "allow_http"),
    ("https' port by http", ["orders.example:443"], {"url": HTTP, "allow_http": True}, "allowed_hosts"),
    ("file", ["orders.example"], {"url": "file:///etc/passwd"}, "https"),
    ("no host", [""], {"url": "https:///x"}, "https"),
    ("backslash", ["orders.example"], {"url": "https://evil.example\\@orders.example/"}, "user"),
    ("newline", ["orders.example"], {"url": "https://orders.example/a\nb"}, "https"),
    ("fragment", ["orders.example"], {"url": "https://orders.example/#x"}, "fragment"),
    ("port", ["orders.example"], {"url": "https://orders.example:x/"}, "ort"),
    ("department", ["orders.example"], {"department": "park"}, "yuanlin"),
    ("unknown setting", ["orders.example"], {"uri": "x"}, "no such setting"),
    ("no secret", ["orders.example"], {"secrets": []}, "departments.0.secrets"),
    ("secret not set", ["orders.example"], {"secrets": [{"env": "WEBHOOK_TEST_NONE"}]}, "WEBHOOK_TEST_NONE"),
    ("secret's file", ["orders.example"], {"secrets": [{"file": "/nowhere"}]}, "/nowhere"),
    ("two places", ["orders.example"], {"secrets": [{"file": "/x", "env": "X"}]}, "one of them"),
    ("short", ["orders.example"], {"secrets": [{"env": "WEBHOOK_TEST_SHORT"}]}, "whsec_"),
    ("not base64", ["orders.example"], {"secrets": [{"env": "WEBHOOK_TEST_TOKEN"}]}, "whsec_"),
    ("ca", ["orders.example"], {"ca_file": "/nowhere.pem"}, "ca_file"),
    ("time-out", ["orders.example"], {"timeout_s": 0}, "timeout_s"),
]


@pytest.mark.parametrize(("hosts", "changes", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_entry(tmp_path: Path, profile: Profile, hosts: list[str], changes: dict[str, Any], said: str) -> None:
    """The sentence has the file and what to change; the secret is not in it."""
    file = written(tmp_path, hosts, GOOD | changes)
    with pytest.raises(WebhooksInvalid) as error:
        load(file, profile)
    assert file in str(error.value)
    assert said in str(error.value)
    assert "c2hvcnQ" not in str(error.value)
    assert TOKEN not in str(error.value)


def test_twice_the_same(tmp_path: Path, profile: Profile) -> None:
    """One of the two would be forgotten."""
    with pytest.raises(WebhooksInvalid, match="twice"):
        load(written(tmp_path, ["orders.example"], GOOD, GOOD), profile)


@pytest.mark.parametrize("text", [b"departments: [", b"\xff\xfe", b"- a", b"departments: 7"])
def test_no_file_of_ours(tmp_path: Path, profile: Profile, text: bytes) -> None:
    """Not YAML, not UTF-8, not of this shape."""
    file = tmp_path / "x.yaml"
    file.write_bytes(text)
    with pytest.raises(WebhooksInvalid, match=str(file)):
        load(str(file), profile)
    with pytest.raises(WebhooksInvalid, match="cannot read"):
        load(str(tmp_path / "none.yaml"), profile)
