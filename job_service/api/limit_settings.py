"""Settings of what each tenant may do; 0 is no limit."""

import math
from collections.abc import Callable
from typing import Annotated, TypeVar

from google.protobuf import descriptor_pool
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from babelmill.kit.process.settings import Settings
from job_service.api.call_limits import CallRates
from job_service.api.service_list import CLIENT_SERVICE_NAMES
from job_service.domain.quota import Quotas

N = TypeVar("N", int, float)

_Pairs = Annotated[tuple[str, ...], NoDecode]


class TenantLimitSettings(Settings):
    """Rates hold for each server by itself, quotas for all together."""

    tenant_calls_per_second: float = Field(default=5000, ge=0, allow_inf_nan=False)
    tenant_calls_at_once: int = Field(default=4000, ge=0)
    # Of single methods of the contract: calls per second, and calls at the same time,
    # as METHOD=NUMBER separated by commas.
    tenant_method_rates: _Pairs = ("CreateWebhook=5", "PingWebhook=2")
    tenant_methods_at_once: _Pairs = (
        "DownloadArtifact=256",
        "PingWebhook=4",
        "UploadArtifact=256",
    )
    # Bytes of uploads and of inputs within specs; characters that engines are given.
    tenant_bytes_per_day: int = Field(default=0, ge=0)
    tenant_bytes_per_month: int = Field(default=0, ge=0)
    tenant_characters_per_day: int = Field(default=0, ge=0)
    tenant_characters_per_month: int = Field(default=0, ge=0)

    @field_validator("tenant_method_rates", "tenant_methods_at_once", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(pair.strip() for pair in value.split(",") if pair.strip())
        return value

    @field_validator("tenant_method_rates")
    @classmethod
    def _rates(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _read(value, float)
        return value

    @field_validator("tenant_methods_at_once")
    @classmethod
    def _at_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _read(value, int)
        return value

    def call_rates(self) -> CallRates:
        """Give how often a tenant may call."""
        return CallRates(
            calls_per_second=self.tenant_calls_per_second,
            calls_at_once=self.tenant_calls_at_once,
            method_rates=_read(self.tenant_method_rates, float),
            methods_at_once=_read(self.tenant_methods_at_once, int),
        )

    def quotas(self) -> Quotas:
        """Give what a tenant may use."""
        return Quotas(
            bytes_per_day=self.tenant_bytes_per_day,
            bytes_per_month=self.tenant_bytes_per_month,
            characters_per_day=self.tenant_characters_per_day,
            characters_per_month=self.tenant_characters_per_month,
        )


def _read(pairs: tuple[str, ...], number: Callable[[str], N]) -> dict[str, N]:
    """Read METHOD=NUMBER. Raises ValueError."""
    known = _methods()
    found: dict[str, N] = {}
    for pair in pairs:
        method, _, amount = pair.partition("=")
        if method not in known:
            raise ValueError("names a method that clients cannot call")
        try:
            found[method] = number(amount)
        except ValueError:
            raise ValueError("must be METHOD=NUMBER, separated by commas") from None
        if not math.isfinite(found[method]) or found[method] < 0:
            raise ValueError("must have numbers from 0")
    return found


def _methods() -> frozenset[str]:
    pool = descriptor_pool.Default()
    services = (pool.FindServiceByName(name) for name in CLIENT_SERVICE_NAMES)
    return frozenset(method.name for service in services for method in service.methods)
