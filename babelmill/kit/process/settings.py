"""Settings that a process reads from its environment, once, at its start.

Every variable is checked together and every wrong one is named, so that an
operator mends them in one go. A value is never printed: it may be a secret.
Nothing here may be called while a module is imported.
"""

import sys
from pathlib import Path
from typing import Self, TypeVar

from pydantic import ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from babelmill.kit.process.failpoints import Failpoint, arm

ENV_PREFIX = "BABELMILL_"

EXIT_CONFIG = 78
"""EX_CONFIG of sysexits(3): the configuration is wrong; a restart will not help."""


class Settings(BaseSettings):
    """What every process reads: each service adds its own fields.

    The fields here are for fault tests alone; see failpoints.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    test_mode: bool = False
    failpoint: str | None = None
    failpoint_fuse: Path | None = None

    @field_validator("failpoint")
    @classmethod
    def _is_failpoint(cls, value: str | None) -> str | None:
        if value is not None:
            Failpoint.parse(value)
        return value

    @model_validator(mode="after")
    def _failpoints_are_for_tests(self) -> Self:
        if self.failpoint is not None and not self.test_mode:
            raise ValueError("BABELMILL_FAILPOINT is honoured only with BABELMILL_TEST_MODE=1")
        return self


S = TypeVar("S", bound=Settings)


def load_settings(cls: type[S]) -> S:
    """Read and check all settings of `cls`.

    Raises SystemExit(78) after naming every wrong variable on stderr.
    """
    try:
        settings = cls()
    except ValidationError as error:
        _print_problems(error)
    except SettingsError as error:
        # Raised when a value that must be JSON is not; its text has no value in it.
        sys.stderr.write(f"wrong settings:\n  {error}\n")
    else:
        arm(
            Failpoint.parse(settings.failpoint) if settings.failpoint else None,
            settings.failpoint_fuse,
        )
        return settings
    raise SystemExit(EXIT_CONFIG)


def _print_problems(error: ValidationError) -> None:
    sys.stderr.write("wrong settings:\n")
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"]) or "(together)"
        variable = name if name.startswith("(") else _variable(name)
        sys.stderr.write(f"  {variable}: {problem['msg']}\n")


def _variable(field: str) -> str:
    upper = field.upper()
    return upper if upper.startswith(ENV_PREFIX) else f"{ENV_PREFIX}{upper}"
