"""Page tokens continue their own list and no other."""

import base64
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job_service.api.auth import Caller
from job_service.api.page_tokens import seal, unseal
from job_service.application.job_query import Cursor
from job_service.domain.errors import InvalidRequest
from job_service.domain.principal import Principal, Role

CURSOR = Cursor(datetime(2026, 11, 21, 12, 30, 1, 123456, tzinfo=UTC), uuid4())
TENANT = uuid4()


def caller(tenant_id: UUID = TENANT, token_hash: bytes = b"a" * 32) -> Caller:
    return Caller(Principal(tenant_id, Role.CLIENT, UUID(int=1)), token_hash)


def test_cursor_comes_back_when_the_token_is_untouched() -> None:
    assert unseal(seal(CURSOR, caller(), b"f"), caller(), b"f") == CURSOR
    assert unseal("", caller(), b"f") is None


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        (caller(tenant_id=uuid4()), b"f"),
        (caller(token_hash=b"b" * 32), b"f"),
        (caller(), b"another filter"),
    ],
)
def test_token_is_refused_when_it_is_of_another_list(who: Caller, wanted: bytes) -> None:
    token = seal(CURSOR, caller(), b"f")
    with pytest.raises(InvalidRequest):
        unseal(token, who, wanted)


@pytest.mark.matrix(25)
def test_token_is_refused_when_any_bit_was_flipped() -> None:
    raw = base64.urlsafe_b64decode(seal(CURSOR, caller(), b"f"))
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(InvalidRequest):
            unseal(base64.urlsafe_b64encode(changed).decode(), caller(), b"f")


@pytest.mark.matrix(25)
@given(st.text(min_size=1))
def test_token_is_refused_when_it_is_made_up(text: str) -> None:
    with pytest.raises(InvalidRequest):
        unseal(text, caller(), b"f")
