"""Settings of the dialects: a part of the gateway's."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from babelmill.kit.process.settings import Settings
from gateway.dialects.options import Dialect, DialectOptions, dialects_of
from gateway.jobs_client.caller import Caller


class DialectSettings(Settings):
    """Which dialects are spoken, and what is taken for what their requests leave open."""

    # "none" speaks none.
    gateway_dialects: Annotated[tuple[str, ...], NoDecode] = tuple(each.value for each in Dialect)
    # Of a client: requests of the dialects without credentials that have none use it.
    gateway_guest_token_file: Path | None = None
    # Where the chat models of the messages dialect are when a message does not say.
    gateway_chat_base_url: str = Field(
        default="https://api.openai.com/v1", pattern=r"^https?://[^\s]+$"
    )
    # Of texts in the Django dialect that come without one and are too short to tell it by;
    # empty tries all the same.
    gateway_source_language: str = "en"
    # Of documents that are uploaded without one; empty: they must come with one.
    gateway_target_language: str = ""

    @field_validator("gateway_dialects", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, str):
            names = tuple(name.strip() for name in value.split(",") if name.strip())
            return () if names == ("none",) else names
        return value

    @field_validator("gateway_dialects")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            dialects_of(value)
        except ValueError:
            known = ", ".join(each.value for each in Dialect)
            raise ValueError(f"must be a list of {known}, or none") from None
        return value

    @field_validator("gateway_guest_token_file")
    @classmethod
    def _holds_a_token(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                token = value.read_text().strip()
            except (OSError, ValueError):
                raise ValueError("must be a file that can be read") from None
            if not (token and token.isascii() and token.isprintable()):
                raise ValueError("must be a file that holds a token")
        return value

    @property
    def dialects(self) -> DialectOptions:
        """The options that these settings say."""
        file = self.gateway_guest_token_file
        return DialectOptions(
            spoken=dialects_of(self.gateway_dialects),
            guest=None if file is None else Caller(f"Bearer {file.read_text().strip()}"),
            chat_base_url=self.gateway_chat_base_url,
            source_language=self.gateway_source_language,
            target_language=self.gateway_target_language,
        )
