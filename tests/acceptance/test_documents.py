"""Documents through every process: in the same form, in many languages, whatever dies meanwhile."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import docx
import pypdfium2  # type: ignore[import-untyped] # published without types
import pytest
from reportlab.pdfgen import canvas  # type: ignore[import-untyped] # published without types

from babelmill.client import Client, translations
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from tests.acceptance.conftest import Stack
from tests.acceptance.test_resuming import children, digests
from tests.deadlines import eventually

MARKDOWN = """# The old mill

The **miller** opens the door, see [the manual](https://example.org/manual?a=b) and `grind --fine`.

```sh
echo "do not translate this"
```

| Name | What it does |
|------|--------------|
| wheel | It turns in the river all day. |

- Please open {name} before %d o'clock.
"""
SUBTITLES = """1
00:00:01,000 --> 00:00:03,500
The miller opens the door

2
00:00:03,600 --> 00:00:06,000
and <i>nobody</i> is there.
"""
PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>The old mill</title><script>var a = "door";</script></head>
<body><h1>The old mill</h1><p>The miller <b>opens</b> the door.</p><pre>do not touch</pre></body>
</html>
"""


def finished(client: Client, job: job_pb2.Job, timeout_seconds: float = 120) -> job_pb2.Job:
    done = client.wait(job.job_id, timeout_seconds=timeout_seconds)
    assert done.state == job_pb2.JOB_STATE_COMPLETED, [step.error for step in done.steps]
    return done


def outputs(client: Client, job: job_pb2.Job, language: str) -> dict[str, bytes]:
    """Return a target's outputs by their filenames, the document first."""
    (target,) = (each for each in job.targets if each.key == language)
    read: dict[str, bytes] = {}
    for output in target.outputs:
        with client.read(output) as pieces:
            read[output.filename] = b"".join(pieces)
    return read


@pytest.mark.row("S0.1", "S2.3")
def test_only_words_change_when_markdown_is_translated(client: Client) -> None:
    job = client.translate_document(
        MARKDOWN.encode(), "en", ["pt", "es"], filename="mill.md", bilingual=True, xliff=True
    )
    done = finished(client, job)
    for language, word in (("pt", "porta"), ("es", "puerta")):
        made = outputs(client, done, language)
        name, text = next(iter(made.items()))
        assert name == f"mill.{language}.md"
        assert word in text.decode().lower()
        for kept in ("https://example.org/manual?a=b", "`grind --fine`", "{name}", "%d"):
            assert kept in text.decode()
        assert 'echo "do not translate this"' in text.decode()
        assert text.count(b"\n") == MARKDOWN.count("\n")
        report = json.loads(made["report.json"])
        assert report["segments"]["total"] == 7
        assert sum(report["routes"].values()) >= 6
        assert b"<script" not in made[f"mill.{language}.bilingual.html"]
        assert made[f"mill.{language}.segments.xlf"].count(b"<unit ") == 7


@pytest.mark.parametrize(
    ("filename", "data", "kept"),
    [
        ("mill.html", PAGE, ['var a = "door";', "<pre>do not touch</pre>", "<b>", "</b>"]),
        ("mill.srt", SUBTITLES, ["00:00:03,600 --> 00:00:06,000", "<i>", "</i>"]),
        ("mill.txt", "The miller opens the door.\r\n\r\n{name}\r\n", ["\r\n\r\n{name}\r\n"]),
    ],
)
def test_the_file_keeps_its_form_when_it_is_of_another_kind(
    client: Client, filename: str, data: str, kept: list[str]
) -> None:
    job = client.translate_document(data.encode(), "", ["pt"], filename=filename)
    done = finished(client, job)
    stem, _, suffix = filename.partition(".")
    made = outputs(client, done, "pt")[f"{stem}.pt.{suffix}"].decode()
    assert "porta" in made
    for text in kept:
        assert text in made


def long_markdown(paragraphs: int) -> str:
    return "".join(
        f"## Chapter {number}\n\nMiller number {number} grinds {number} sacks of corn a day.\n\n"
        for number in range(paragraphs)
    )


def parts_of(client: Client, job_id: str) -> dict[str, artifact_pb2.Artifact]:
    """Return the parts of finished steps by the steps' names."""
    steps = client.get_job(job_id).steps
    return {step.name: step.parts[0] for step in steps if step.parts}


@pytest.mark.row("B6")
def test_finished_chunks_can_be_read_when_the_rest_still_runs(client: Client) -> None:
    job = client.translate_document(long_markdown(1500).encode(), "en", ["pt"], filename="long.md")
    eventually(lambda: "translate[pt,1]" in parts_of(client, job.job_id), timeout_seconds=120)
    assert client.get_job(job.job_id).state == job_pb2.JOB_STATE_IN_PROGRESS
    part = parts_of(client, job.job_id)["translate[pt,1]"]
    with client.read(part) as pieces:
        chunk = json.loads(b"".join(pieces))
    assert chunk["target_language"] == "pt"
    assert any("sacos" in "".join(map(str, each["content"])) for each in chunk["segments"])
    client.cancel_job(job.job_id)
    done = client.wait(job.job_id, timeout_seconds=30)
    assert done.state == job_pb2.JOB_STATE_CANCELLED


@pytest.mark.row("S2.7")
def test_finished_chunks_are_not_repeated_when_the_worker_is_killed_in_the_middle(
    client: Client, stack: Stack, tmp_path: Path
) -> None:
    text = long_markdown(600).encode()
    how = translations.options(without_memory=True)
    calm = client.translate_document(text, "en", ["pt"], filename="long.md", options=how)
    finished(client, calm)
    job = client.translate_document(text, "en", ["pt"], filename="long.md", options=how)
    eventually(lambda: beyond_first_chunk(client, job.job_id), timeout_seconds=120)
    before = {name: part.artifact_id for name, part in parts_of(client, job.job_id).items()}
    for child in children(stack, "translation_worker"):
        child.kill()

    done = finished(client, job)

    assert digests(client, done, tmp_path) == digests(client, client.get_job(calm.job_id), tmp_path)
    after = {name: part.artifact_id for name, part in parts_of(client, job.job_id).items()}
    assert before.items() <= after.items()
    attempts = {step.name: step.attempt for step in done.steps}
    assert all(attempts[name] == 1 for name in before)
    assert max(attempts.values()) == 2


def beyond_first_chunk(client: Client, job_id: str) -> bool:
    """Whether a chunk is under way while another is finished."""
    chunks = [step for step in client.get_job(job_id).steps if step.kind == "translate_segments"]
    return any(step.parts for step in chunks) and any(
        not step.parts and step.progress.done > 0 for step in chunks
    )


def a_docx() -> bytes:
    document = docx.Document()
    document.add_heading("The old mill", 1)
    paragraph = document.add_paragraph("The miller ")
    paragraph.add_run("opens").bold = True
    paragraph.add_run(" the door and {name} sees the river.")
    document.add_table(1, 2).cell(0, 0).text = "The red house"
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_a_word_document_stays_one_when_it_is_translated(client: Client) -> None:
    job = client.translate_document(a_docx(), "en", ["pt", "es"], filename="mill.docx")
    done = finished(client, job)
    for language, word in (("pt", "porta"), ("es", "puerta")):
        made = outputs(client, done, language)[f"mill.{language}.docx"]
        document = docx.Document(io.BytesIO(made))
        heading, paragraph = document.paragraphs
        assert heading.style is not None
        assert heading.style.name == "Heading 1"
        assert word in paragraph.text
        assert "{name}" in paragraph.text
        assert any(run.bold and run.text.strip() for run in paragraph.runs)
        assert "casa" in document.tables[0].cell(0, 0).text


def test_a_pdf_stays_one_when_it_is_translated(client: Client) -> None:
    file = io.BytesIO()
    page = canvas.Canvas(file)
    page.drawString(72, 700, "The miller opens the door and sees the river.")
    page.showPage()
    page.drawString(72, 700, "Nobody is in the red house.")
    page.save()
    job = client.translate_document(file.getvalue(), "en", ["pt"], filename="mill.pdf")
    done = finished(client, job)
    made = outputs(client, done, "pt")
    document = pypdfium2.PdfDocument(made["mill.pt.pdf"])
    texts = [document[index].get_textpage().get_text_range() for index in range(len(document))]
    document.close()
    assert len(texts) == 2
    assert "porta" in texts[0]
    assert "casa" in texts[1]
    assert "layout" in json.loads(made["report.json"])


@pytest.mark.row("S3.9")
def test_chosen_fields_change_when_records_are_translated(client: Client) -> None:
    records = [
        {"id": "red-house", "title": "The red house", "price": 12, "tags": ["door"]},
        {"id": "b", "title": "See Babel Mill\n```\nthe door\n```\nand the door.", "price": 3},
    ]
    job = client.translate_records(
        records,
        ["title"],
        "en",
        ["pt", "es"],
        code_filter=True,
        options=translations.options(terms=[translations.term("Babel Mill")]),
    )
    done = finished(client, job)
    made = outputs(client, done, "pt")
    document, report = (json.loads(data) for data in made.values())
    translated = document["records"] if isinstance(document, dict) else document
    assert [each["id"] for each in translated] == ["red-house", "b"]
    assert [each["price"] for each in translated] == [12, 3]
    assert translated[0]["tags"] == ["door"]
    assert "casa" in translated[0]["title"]
    assert "```\nthe door\n```" in translated[1]["title"]
    assert translated[1]["title"].endswith("porta.")
    assert report["glossary"] == [
        {"source": "Babel Mill", "target": "Babel Mill", "met": 1, "missed": 0}
    ]
    assert "named_entities" in report


def test_only_changed_segments_reach_the_engine_when_there_is_a_second_version(
    client: Client,
) -> None:
    text = "".join(f"A page about mill number {number}.\n\n" for number in range(40))
    first = finished(
        client, client.translate_document(text.encode(), "en", ["pt"], filename="a.txt")
    )
    changed = text.replace("mill number 7.", "house number 7.").encode()
    second = finished(client, client.translate_document(changed, "en", ["pt"], filename="a.txt"))

    before, after = (outputs(client, job, "pt") for job in (first, second))
    assert json.loads(before["report.json"])["segments"]["from_memory"] == 0
    assert json.loads(after["report.json"])["segments"]["from_memory"] == 39
    assert first.usage.engine_characters > 40 * second.usage.engine_characters / 2
    old, new = (made["a.pt.txt"].decode().split("\n\n") for made in (before, after))
    assert [index for index in range(40) if old[index] != new[index]] == [7]


def test_the_tone_is_given_when_the_engine_does_not_give_it(client: Client) -> None:
    text = b"Hi! The miller opens the door.\n\nThe red house."
    tones: tuple[translations.ToneName | Literal[""], ...] = ("", "formal")
    plain, formal = (
        finished(
            client,
            client.translate_document(
                text, "en", ["pt"], filename="a.txt", options=translations.options(tone=tone)
            ),
        )
        for tone in tones
    )
    assert "tone[pt,1]" in {step.name for step in formal.steps}
    before, after = (outputs(client, job, "pt")["a.pt.txt"].decode() for job in (plain, formal))
    assert before.startswith("Oi")
    assert after == before.replace("Oi", "Ol\u00e1")


@pytest.fixture
def site() -> Iterator[str]:
    """A web server on this machine; the stack's workers may fetch from it by its name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/mill.html"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.row("S3.9")
def test_a_page_comes_back_translated_when_its_address_is_given(client: Client, site: str) -> None:
    done = finished(client, client.translate_url(site, "", ["es"]))
    made = outputs(client, done, "es")
    page = next(iter(made.values())).decode()
    assert "puerta" in page
    assert 'var a = "door";' in page
    assert 'lang="es"' in page


@pytest.mark.row("S2.1")
def test_other_languages_are_done_when_one_cannot_be(client: Client) -> None:
    text = "The miller opens the door and nobody in the village is there to see the river rise."
    job = client.translate_document(text.encode(), "", ["pt", "en"], filename="a.txt")
    done = client.wait(job.job_id, timeout_seconds=60)
    assert done.state == job_pb2.JOB_STATE_PARTIALLY_COMPLETED
    failed = next(each for each in done.targets if each.key == "en")
    assert failed.error.reason == "UNSUPPORTED_LANGUAGE_PAIR"
    assert b"moleiro" in outputs(client, done, "pt")["a.pt.txt"]
