"""Options of `babelmill translate` that say how, and how their words are read.

A chat model's key never stands on the command line, where every process of the machine could
read it: it comes from the environment or from a file.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from babelmill.client import translations
from babelmill.client.errors import InvalidArgument
from babelmill.translation.v1 import glossary_pb2, translation_pb2

CHAT_KEY_VARIABLE = "BABELMILL_CHAT_API_KEY"
_LARGEST_KEY_FILE_BYTES = 4096

Engines: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--engine", metavar="NAME", help="Engine as `babelmill engines` tells; repeat for the next."
    ),
]
ToneWord: TypeAlias = Annotated[
    str, typer.Option("--tone", metavar="WORD", help="neutral, formal or informal.")
]
Domain: TypeAlias = Annotated[
    str, typer.Option("--domain", help="Such as legal; a chat model is told of it.")
]
ChatUrl: TypeAlias = Annotated[
    str,
    typer.Option(
        "--chat-url",
        metavar="URL",
        help=f"Base of an OpenAI-compatible API; its key is read from {CHAT_KEY_VARIABLE}.",
    ),
]
ChatModelName: TypeAlias = Annotated[
    str, typer.Option("--chat-model", metavar="NAME", help="Model at --chat-url.")
]
ChatKeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--chat-key-file", metavar="FILE", dir_okay=False, help="File with the key."),
]
GlossaryIds: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--glossary", metavar="ID", help="Glossary to keep to; repeatable."),
]
Terms: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--term", metavar="SOURCE[=TARGET]", help="Term to keep to, or to leave; repeatable."
    ),
]
MaxCharacters: TypeAlias = Annotated[
    int, typer.Option("--max-characters", min=0, help="Budget: characters times languages.")
]
MaxTokens: TypeAlias = Annotated[
    int, typer.Option("--max-tokens", min=0, help="Budget: tokens of chat models.")
]
WithoutMemory: TypeAlias = Annotated[
    bool, typer.Option("--without-memory", help="Neither use nor keep earlier translations.")
]


def read_options(
    *,
    engines: Sequence[str] | None,
    tone: str,
    domain: str,
    chat_url: str,
    chat_model: str,
    chat_key_file: Path | None,
    glossaries: Sequence[str] | None,
    terms: Sequence[str] | None,
    max_characters: int,
    max_tokens: int,
    without_memory: bool,
) -> translation_pb2.TranslationOptions:
    """Put the options together. Raises typer.BadParameter."""
    try:
        wanted = translations.parse_tone(tone)
    except InvalidArgument as error:
        raise typer.BadParameter(error.message, param_hint="--tone") from error
    options = translations.options(
        engines=split_words(engines),
        domain=domain,
        chat=_chat_model(chat_url, chat_model, chat_key_file),
        glossary_ids=glossaries or (),
        terms=_terms(terms or ()),
        max_characters=max_characters,
        max_tokens=max_tokens,
        without_memory=without_memory,
    )
    options.tone = wanted
    return options


def split_words(words: Sequence[str] | None) -> list[str]:
    """Return repeated options, of which each may be a list with commas, as one list."""
    return [part for word in words or () for part in word.split(",") if part]


def read_chat_key(path: Path | None, environment: Mapping[str, str] | None = None) -> str:
    """Return the key from the file, else from the environment, "" if there is none.

    Raises typer.BadParameter.
    """
    if path is None:
        return (os.environ if environment is None else environment).get(CHAT_KEY_VARIABLE, "")
    with path.open("rb") as file:
        data = file.read(_LARGEST_KEY_FILE_BYTES + 1)
    try:
        key = data.decode().strip()
    except UnicodeDecodeError:
        key = ""
    if not key or not key.isprintable() or len(data) > _LARGEST_KEY_FILE_BYTES:
        raise typer.BadParameter(f"{path} holds no key", param_hint="--chat-key-file")
    return key


def _chat_model(url: str, model: str, key_file: Path | None) -> translation_pb2.ChatModel | None:
    if not url and not model:
        if key_file is not None:
            raise typer.BadParameter("give --chat-url too", param_hint="--chat-key-file")
        return None
    if not url or not model:
        raise typer.BadParameter("give both --chat-url and --chat-model", param_hint="--chat-url")
    return translations.chat_model(url, model, read_chat_key(key_file))


def _terms(words: Sequence[str]) -> Iterator[glossary_pb2.GlossaryTerm]:
    for word in words:
        source, _, target = word.partition("=")
        if not source.strip():
            raise typer.BadParameter(f"{word!r} is not SOURCE=TARGET", param_hint="--term")
        yield translations.term(source.strip(), target.strip())
