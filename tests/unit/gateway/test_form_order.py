"""Forms whose fields stand in any order around their file."""

from collections.abc import AsyncIterator

import pytest

from gateway.http.multipart import FileFormReader
from gateway.problem_details import ProblemError

FILE = ("file", "a.txt", "The mill.")


def form(*parts: tuple[str, str | None, str]) -> bytes:
    written = ""
    for name, filename, value in parts:
        label = f'; filename="{filename}"' if filename else ""
        written += f'--b\r\nContent-Disposition: form-data; name="{name}"{label}\r\n\r\n{value}\r\n'
    return f"{written}--b--\r\n".encode()


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(body: bytes, size: int = 7) -> tuple[bytes, dict[str, str]]:
    reader = FileFormReader(
        b"b",
        pieces(body, size),
        ("tone", "languages"),
        file_names=("file", "source_file"),
        lists=("languages",),
        fields_may_follow=True,
    )
    head = await reader.head()
    content = b"".join([data async for data in reader.content()])
    return content, head.fields


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
async def test_fields_are_read_when_they_stand_around_the_file(place: int, size: int) -> None:
    parts: list[tuple[str, str | None, str]] = [
        ("tone", None, "formal"),
        ("languages", None, "pt"),
        ("languages", None, "es,fr"),
    ]
    parts.insert(place, FILE)
    content, fields = await read(form(*parts), size)
    assert content == b"The mill."
    assert fields == {"tone": "formal", "languages": "pt,es,fr"}


@pytest.mark.parametrize(
    "parts",
    [
        (FILE, FILE),
        (FILE, ("source_file", "b.txt", "x")),
        (("other", "a.txt", "x"),),
        (FILE, ("other", None, "x")),
        (FILE, ("tone", None, "formal"), ("tone", None, "formal")),
        (FILE, ("tone", None, "x" * 5000)),
        (("tone", None, "formal"),),
        (FILE, *(("languages", None, "pt") for _ in range(20))),
    ],
)
async def test_form_is_refused_when_it_holds_what_it_may_not(
    parts: tuple[tuple[str, str | None, str], ...],
) -> None:
    with pytest.raises(ProblemError, check=lambda refused: refused.status_code == 400):
        await read(form(*parts))


async def test_form_is_refused_when_it_ends_within_a_field_behind_the_file() -> None:
    body = form(FILE, ("tone", None, "formal"))
    with pytest.raises(ProblemError, check=lambda refused: refused.status_code == 400):
        await read(body[:-12])
