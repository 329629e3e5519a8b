"""Signatures of webhooks, by the examples of their specification and against changes."""

import pytest

from babelmill.kit.wire.webhook_signatures import (
    WrongSignature,
    check_signature,
    new_secret,
    signed_headers,
)

BODY = b'{"test": 2432232314}'
NOW = 1614265330.0


def test_signature_is_that_of_the_specification() -> None:
    """The example that implementations of Standard Webhooks are tested with."""
    headers = signed_headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        int(NOW),
        BODY,
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_message_is_accepted_with_either_secret_when_both_are_in_use() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers([new, old], "id-1", int(NOW), BODY)
    for secret in (old, new):
        named = {name.title(): value for name, value in headers.items()}
        assert check_signature(secret, named, BODY, now=NOW + 299) == "id-1"
    with pytest.raises(WrongSignature):
        check_signature(new_secret(), headers, BODY, now=NOW)


@pytest.mark.parametrize(
    ("change", "body", "now"),
    [
        ({}, BODY + b" ", NOW),
        ({"webhook-id": "id-2"}, BODY, NOW),
        ({"webhook-timestamp": "1614265331"}, BODY, NOW),
        ({"webhook-timestamp": "x"}, BODY, NOW),
        ({"webhook-signature": ""}, BODY, NOW),
        ({"webhook-signature": "v1,"}, BODY, NOW),
        ({"webhook-signature": "v1,ä v2,x"}, BODY, NOW),
        ({}, BODY, NOW + 301),
        ({}, BODY, NOW - 301),
    ],
)
def test_message_is_refused_when_it_was_changed_or_is_old(
    change: dict[str, str], body: bytes, now: float
) -> None:
    secret = new_secret()
    headers = signed_headers([secret], "id-1", int(NOW), BODY) | change
    with pytest.raises(WrongSignature):
        check_signature(secret, headers, body, now=now)


def test_message_is_refused_when_a_header_is_missing_or_the_secret_is_none() -> None:
    secret = new_secret()
    headers = signed_headers([secret], "id-1", int(NOW), BODY)
    for name in headers:
        fewer = {key: value for key, value in headers.items() if key != name}
        with pytest.raises(WrongSignature):
            check_signature(secret, fewer, BODY, now=NOW)
    with pytest.raises(WrongSignature):
        check_signature("whsec_not base64!", headers, BODY, now=NOW)
