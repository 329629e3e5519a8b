"""How often a tenant may call, by a clock of the test's own."""

from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from job_service.api.call_limits import CallLimits, CallRates
from job_service.api.limit_settings import TenantLimitSettings
from job_service.domain.errors import TooManyCalls, TooManyCallsAtOnce

ONE, OTHER = uuid4(), uuid4()


class Clock:
    """Time that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _let_in(limits: CallLimits, count: int, tenant: UUID = ONE, method: str = "GetJob") -> int:
    """Call so often, one after the other; return how many were let in."""
    let_in = 0
    for _ in range(count):
        try:
            with limits.admit(tenant, method, streams=False):
                let_in += 1
        except TooManyCalls:
            continue
    return let_in


def test_calls_are_refused_when_the_rate_and_its_burst_are_used_up(clock: Clock) -> None:
    limits = CallLimits(CallRates(calls_per_second=10), clock)
    assert _let_in(limits, 50) == 20
    with pytest.raises(TooManyCalls) as refused, limits.admit(ONE, "GetJob", streams=False):
        pass
    assert refused.value.retry_after == pytest.approx(timedelta(seconds=0.1), rel=0.01)
    assert refused.value.metadata == {"limit_per_second": "10"}
    clock.now += 1.0
    assert _let_in(limits, 50) == 10


def test_others_are_let_in_when_one_tenant_has_used_its_rate_up(clock: Clock) -> None:
    limits = CallLimits(CallRates(calls_per_second=10), clock)
    _let_in(limits, 50)
    assert _let_in(limits, 50, OTHER) == 20


def test_one_method_is_refused_when_it_has_a_rate_of_its_own(clock: Clock) -> None:
    limits = CallLimits(CallRates(calls_per_second=100, method_rates={"PingWebhook": 1}), clock)
    assert _let_in(limits, 10, method="PingWebhook") == 2
    with pytest.raises(TooManyCalls) as refused, limits.admit(ONE, "PingWebhook", streams=False):
        pass
    assert refused.value.metadata == {"limit_per_second": "1", "method": "PingWebhook"}
    # What was refused by the method's rate has taken nothing of the tenant's.
    assert _let_in(limits, 500) == 198


def test_slow_rate_lets_a_first_call_in(clock: Clock) -> None:
    limits = CallLimits(CallRates(method_rates={"PingWebhook": 0.1}), clock)
    assert _let_in(limits, 3, method="PingWebhook") == 1
    clock.now += 10.1
    assert _let_in(limits, 3, method="PingWebhook") == 1


def test_calls_at_once_are_refused_when_there_are_as_many_as_may(clock: Clock) -> None:
    limits = CallLimits(CallRates(calls_at_once=2, methods_at_once={"UploadArtifact": 1}), clock)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limits.admit(ONE, "GetJob", streams=False))
        with pytest.raises(TooManyCallsAtOnce), limits.admit(ONE, "GetJob", streams=False):
            pass
        stack.enter_context(limits.admit(OTHER, "GetJob", streams=False))
        # Streams are counted where they are named only.
        stack.enter_context(limits.admit(ONE, "WatchJob", streams=True))
        stack.enter_context(limits.admit(ONE, "UploadArtifact", streams=True))
        with pytest.raises(TooManyCallsAtOnce), limits.admit(ONE, "UploadArtifact", streams=True):
            pass
    for _ in range(5):
        with limits.admit(ONE, "UploadArtifact", streams=True):
            pass


def test_refused_call_is_not_counted_as_running(clock: Clock) -> None:
    limits = CallLimits(CallRates(calls_per_second=1, calls_at_once=1), clock)
    assert _let_in(limits, 10) == 2
    clock.now += 100
    assert _let_in(limits, 10) == 2


def test_nothing_is_refused_when_there_are_no_limits(clock: Clock) -> None:
    assert _let_in(CallLimits(CallRates(), clock), 1000) == 1000


@pytest.mark.parametrize(
    "value", ["NoSuchMethod=1", "PingWebhook", "PingWebhook=x", "PingWebhook=-1", "PingWebhook=inf",
              "Heartbeat=1"],
)  # fmt: skip
def test_settings_are_refused_when_they_name_no_method_or_no_number(value: str) -> None:
    with pytest.raises(ValidationError):
        TenantLimitSettings.model_validate({"tenant_method_rates": value})


def test_settings_are_read_when_they_are_pairs() -> None:
    settings = TenantLimitSettings.model_validate(
        {
            "tenant_method_rates": "CreateJob=100, PingWebhook=0.5",
            "tenant_methods_at_once": "WatchJob=3",
        }
    )
    rates = settings.call_rates()
    assert rates.method_rates == {"CreateJob": 100, "PingWebhook": 0.5}
    assert rates.methods_at_once == {"WatchJob": 3}
