"""Options that several commands share, and how their words are read."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from babelmill.client import requests
from babelmill.client.errors import InvalidArgument
from babelmill.client.requests import PriorityName

JobId: TypeAlias = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON (the contract's protobuf JSON mapping).")
]
Priority: TypeAlias = Annotated[
    str, typer.Option("--priority", metavar="WORD", help="urgent, normal or low.")
]
Labels: TypeAlias = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Label; repeatable.")
]
RequestId: TypeAlias = Annotated[
    str | None,
    typer.Option("--request-id", metavar="ID", help="Makes the command safe to run again."),
]
Wait: TypeAlias = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the job's end, or print its id only.")
]


def parse_priority(word: str) -> PriorityName:
    """Read a priority. Raises typer.BadParameter."""
    try:
        requests.parse_priority(word)
    except InvalidArgument as error:
        raise typer.BadParameter(error.message, param_hint="--priority") from error
    names: dict[str, PriorityName] = {"urgent": "urgent", "normal": "normal", "low": "low"}
    if word.lower() not in names:
        raise typer.BadParameter(f"{word!r} is no priority", param_hint="--priority")
    return names[word.lower()]


def parse_labels(pairs: Sequence[str] | None) -> dict[str, str]:
    """Read KEY=VALUE words. Raises typer.BadParameter."""
    labels: dict[str, str] = {}
    for pair in pairs or ():
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--label")
        labels[key] = value
    return labels
