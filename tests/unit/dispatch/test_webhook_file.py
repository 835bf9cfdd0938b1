"""What does a bad file of HTTP departments get? The file's name and what to change, and never a word of a secret."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deploy.cli.webhooks import app
from services.dispatch.app import build
from services.dispatch.settings import Settings
from services.dispatch.webhooks.file import WebhooksInvalid, load
from services.dispatch.webhooks.target import Target
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


async def test_targets_are_closed_with_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections end, and threads that look names up."""
    closed: list[Target] = []

    async def close(target: Target) -> None:
        closed.append(target)

    monkeypatch.setattr(Target, "close", close)
    service = build(Settings(webhooks=written(tmp_path, ["orders.example"], GOOD)))
    await service.stop()
    assert len(closed) == 1


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


def test_each_fault_has_its_line(tmp_path: Path, profile: Profile) -> None:
    """All that is wrong is said at once, where it stands."""
    file = tmp_path / "webhooks.yaml"
    shape = "allowed_hosts: [a.example]\ndepartments:\n  - department: yuanlin\n    urll: x\n    secrets: []\n"
    fit = "departments:\n  - department: park\n    secrets: [{env: X}]\n"
    fit += "\n  - department: huanwei\n    secrets: [{env: X}]\n"
    for text, lines in ((shape, [5, 4]), (fit, [2, 5]), ("allowed_hosts:\n  - a\n- b\n", [3]), ("- a\n", [1])):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(WebhooksInvalid) as error:
            load(str(file), profile)
        assert [fault.line for fault in error.value.faults] == lines
        assert str(error.value).splitlines()[0].startswith(f"{file}:{lines[0]}: ")


def test_the_command_says_what_to_change(tmp_path: Path) -> None:
    """Sound: 0. A fault: 1, with file and line, in JSON too. Where the secrets are not at hand, the rest is checked."""
    run = CliRunner().invoke
    file = written(tmp_path, ["orders.example"], GOOD, {"department": "huanwei", "secrets": [{"env": "NOT_HERE"}]})
    found = run(app, ["check", file])
    assert (found.exit_code, found.stderr.startswith(f"{file}:")) == (1, True)
    assert "NOT_HERE is not set" in found.stderr
    answer = json.loads(run(app, ["check", file, "--json"]).stdout)
    assert ([each["file"] for each in answer["errors"]], answer["ok"]) == ([file], False)
    sound = run(app, ["check", file, "--no-secrets"])
    assert (sound.exit_code, sound.stdout) == (0, f"{file} is sound: 1 departments are posted to, 1 pull\n")
    assert run(app, ["check"]).exit_code == 2


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
