"""Which addresses only this machine can reach."""

import pytest

from job_service.api.server import is_loopback


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [
        ("127.0.0.1:50051", True),
        ("127.8.9.1:0", True),
        ("[::1]:50051", True),
        ("localhost:50051", True),
        ("0.0.0.0:50051", False),
        ("[::]:50051", False),
        ("10.0.0.1:50051", False),
        ("example.org:50051", False),
        (":50051", False),
    ],
)
def test_address_is_loopback_when_only_this_machine_reaches_it(listen: str, loopback: bool) -> None:
    assert is_loopback(listen) is loopback
