"""Is our signature that of the Standard Webhooks specification? Its official library is the judge."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.dispatch.webhooks.signature import signed, verify
from shared.clock import RealClock
from shared.http import Problem

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = '{"order_id": "退单"}'.encode()
NOW = RealClock().now()


def refusal(headers: dict[str, str], body: bytes = BODY, now: datetime = NOW) -> str:
    """Give the sentence with which a request is refused."""
    with pytest.raises(Problem) as error:
        verify([KEY], headers, now, body)
    assert error.value.status == 401
    return error.value.detail


def test_the_library_accepts_what_we_sign() -> None:
    """With one key, and while two are in use whichever the receiver knows; the library looks at the world's time."""
    now = RealClock().now()
    Webhook(SECRET).verify(BODY, signed([KEY], "a/b/1", now, BODY))
    Webhook(SECRET).verify(BODY, signed([OTHER, KEY], "a/b/1", now, BODY))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, signed([OTHER], "a/b/1", now, BODY))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.from_regex(r"[A-Za-z0-9/_-]{1,40}", fullmatch=True))
def test_we_accept_what_the_library_signs(text: str, ident: str) -> None:
    """The same bytes, whatever the body is."""
    signature = Webhook(SECRET).sign(ident, NOW, text)
    headers = {
        "webhook-id": ident,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": f"v1a,xx {signature}",
    }
    assert verify([OTHER, KEY], headers, NOW, text.encode()) == ident
    assert signed([KEY], ident, NOW, text.encode())["webhook-signature"] == signature


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_changed_header_is_refused(name: str) -> None:
    """Each of them is covered; without one there is nothing to check."""
    headers = signed([KEY], "id", NOW, BODY)
    later = str(int(headers["webhook-timestamp"]) + 1)
    changed = {"webhook-id": "other", "webhook-timestamp": later, "webhook-signature": "v1,AAAA"}
    assert "is right" in refusal(headers | {name: changed[name]})
    assert "send webhook-id" in refusal({key: value for key, value in headers.items() if key != name})


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_or_a_future_time_is_refused(minutes: int) -> None:
    """More than five minutes off in either direction, although it is signed."""
    headers = signed([KEY], "id", NOW + timedelta(minutes=minutes), BODY)
    assert "5 minutes" in refusal(headers)
    verify([KEY], signed([KEY], "id", NOW + timedelta(minutes=minutes / 6 * 4), BODY), NOW, BODY)


def test_another_body_or_key_is_refused() -> None:
    """The signature is of these bytes by this key."""
    assert "is right" in refusal(signed([KEY], "id", NOW, BODY), BODY + b" ")
    assert "is right" in refusal(signed([OTHER], "id", NOW, BODY))


@pytest.mark.parametrize("signature", ["v1", "v1,", "v1,!!", "v2,AAAA", ",", "v1,ä", "x" * 10_000, "v1,AAAA " * 500])
def test_rubbish_for_a_signature_is_refused(signature: str) -> None:
    """An answer, never an error of ours."""
    refusal(signed([KEY], "id", NOW, BODY) | {"webhook-signature": signature})


@pytest.mark.parametrize("seconds", ["", "-1", "1e9", "٣", "9" * 400, "1.5", "x"])
def test_rubbish_for_a_time_is_refused(seconds: str) -> None:
    """The same."""
    refusal(signed([KEY], "id", datetime(2026, 1, 1, tzinfo=UTC), BODY) | {"webhook-timestamp": seconds})
