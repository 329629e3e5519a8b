"""`babelmill translate` with documents, addresses and records, and what goes with them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from babelmill.cli.main import app
from babelmill.jobs.v1 import job_pb2
from babelmill.translation.v1 import translation_pb2
from tests.integration.client_peer import Peer, ScriptedJob, serving
from tests.integration.client_peer_artifacts import TOKEN


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.chdir(tmp_path)
    with serving() as served:
        served.on_create = lambda scripted: _finish(served, scripted)
        yield served


def _finish(peer: Peer, scripted: ScriptedJob) -> None:
    """Finish a new job at once, with files as the workers make them."""
    spec = scripted.job.spec
    for language in getattr(spec, str(spec.WhichOneof("kind"))).target_languages:
        target = scripted.job.targets.add(key=language, state=job_pb2.TARGET_STATE_COMPLETED)
        for name in (f"guide.{language}.docx", "report.json", f"guide.{language}.bilingual.html"):
            target.outputs.append(peer.add_artifact(f"{language} {name}".encode(), name))
        step = scripted.job.steps.add(name=f"translate[{language},1]", target_key=language)
        step.parts.append(peer.add_artifact(b"{}", "translations.json"))
    peer.append(scripted, job_pb2.JOB_STATE_COMPLETED)


def _run(peer: Peer, *arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(
        app,
        [str(argument) for argument in arguments],
        env={"BABELMILL_GRPC": peer.address, "BABELMILL_TOKEN": TOKEN, **environment},
    )


def _spec(peer: Peer) -> job_pb2.JobSpec:
    (scripted,) = peer.jobs.values()
    return scripted.job.spec


def test_files_are_written_here_when_a_document_is_translated(peer: Peer, tmp_path: Path) -> None:
    source = tmp_path / "guide.docx"
    source.write_bytes(b"PK a document")
    done = _run(peer, "translate", source, "--to", "pt,es", "--bilingual", "--tone", "formal")
    assert done.exit_code == 0, done.output
    assert sorted(done.stdout.split()) == [
        "guide.es.bilingual.html",
        "guide.es.docx",
        "guide.pt.bilingual.html",
        "guide.pt.docx",
    ]
    assert (tmp_path / "guide.pt.docx").read_bytes() == b"pt guide.pt.docx"
    spec = _spec(peer).translate_document
    assert peer.artifacts[spec.artifact_id].data == b"PK a document"
    assert spec.source_language == ""
    assert list(spec.target_languages) == ["pt", "es"]
    assert spec.twins == translation_pb2.DocumentTwins(bilingual=True)
    assert spec.options.tone == translation_pb2.TONE_FORMAL


def test_reports_are_named_after_their_documents_when_asked_for(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("# Guide")
    done = _run(peer, "translate", "guide.md", "-t", "pt", "-t", "es", "--report", "-o", "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "guide.pt.report.json").read_bytes() == b"pt report.json"
    assert (tmp_path / "out" / "guide.es.report.json").read_bytes() == b"es report.json"


def test_file_is_not_replaced_when_it_exists(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "guide.docx").write_bytes(b"x")
    (tmp_path / "guide.pt.docx").write_bytes(b"mine")
    assert _run(peer, "translate", "guide.docx", "--to", "pt").exit_code == 2
    assert (tmp_path / "guide.pt.docx").read_bytes() == b"mine"
    assert _run(peer, "translate", "guide.docx", "--to", "pt", "--force").exit_code == 0


def test_plain_text_is_a_document_when_twins_are_asked_for(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Good morning.")
    assert _run(peer, "translate", "a.txt", "--to", "pt", "--xliff").exit_code == 0
    assert _spec(peer).translate_document.twins.xliff


def test_address_is_sent_as_it_is_when_given(peer: Peer) -> None:
    done = _run(
        peer, "translate", "https://example.com/a?b=c", "--to", "pt", "--format", "html", "-f", "en"
    )
    assert done.exit_code == 0, done.output
    spec = _spec(peer).translate_url
    assert (spec.url, spec.format, spec.source_language) == (
        "https://example.com/a?b=c",
        "html",
        "en",
    )


@pytest.mark.parametrize(
    "text", ['[{"t": "a", "n": 1}, {"t": "b"}]', '{"t": "a", "n": 1}\n{"t": "b"}\n']
)
def test_records_are_sent_when_fields_are_named(text: str, peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(text)
    done = _run(peer, "translate", "rows.json", "--to", "pt", "--field", "t,x.y", "--keep-code")
    assert done.exit_code == 0, done.output
    spec = _spec(peer).translate_records
    assert [record["t"] for record in spec.records] == ["a", "b"]
    assert list(spec.target_fields) == ["t", "x.y"]
    assert spec.code_filter


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.json", b"[1, 2]"),
        ("rows.json", b"[]"),
        ("rows.json", b"{broken"),
        ("rows.json", b"\xff"),
        ("rows.json", b'[{"n": 9007199254740993}]'),
    ],
)
def test_usage_is_wrong_when_records_are_none(
    name: str, data: bytes, peer: Peer, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    done = _run(peer, "translate", name, "--to", "pt", "--field", "t")
    assert done.exit_code in {2, 4}
    assert not peer.jobs


def test_all_options_are_sent_when_given(peer: Peer, tmp_path: Path) -> None:
    done = _run(
        peer,
        *("translate", "Good morning.", "--to", "pt", "--engine", "chat,apertium"),
        *("--chat-url", "https://llm.example/v1", "--chat-model", "small", "--domain", "legal"),
        *("--glossary", "g1", "--term", "mill=moinho", "--term", "Babelmill"),
        *("--max-characters", "9", "--max-tokens", "8", "--without-memory", "--no-wait"),
        BABELMILL_CHAT_API_KEY="sk-canary",
    )
    assert done.exit_code == 0, done.output
    assert "sk-canary" not in done.output
    options = _spec(peer).translate_text.options
    assert list(options.engines) == ["chat", "apertium"]
    assert options.chat_model == translation_pb2.ChatModel(
        base_url="https://llm.example/v1", model_name="small", api_key="sk-canary"
    )
    assert [(term.source, term.target) for term in options.glossary_terms] == [
        ("mill", "moinho"),
        ("Babelmill", ""),
    ]
    assert (options.budget.max_characters, options.budget.max_tokens) == (9, 8)
    assert options.without_memory


def test_key_is_read_from_its_file_when_named(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    chat = ("--chat-url", "https://llm.example/v1", "--chat-model", "small")
    done = _run(peer, "translate", "x", "--to", "pt", *chat, "--chat-key-file", "key", "--no-wait")
    assert done.exit_code == 0, done.output
    assert _spec(peer).translate_text.options.chat_model.api_key == "sk-file"
    (tmp_path / "key").write_bytes(b"\x00\xff")
    bad = _run(peer, "translate", "x", "--to", "pt", *chat, "--chat-key-file", "key")
    assert bad.exit_code == 2


@pytest.mark.parametrize("with_model", [True, False])
def test_key_is_given_again_when_a_job_with_a_chat_model_is_retried(
    with_model: bool, peer: Peer
) -> None:
    chat = ("--chat-url", "https://llm.example/v1", "--chat-model", "small") if with_model else ()
    key = {"BABELMILL_CHAT_API_KEY": "sk-canary"}
    job = _run(peer, "translate", "x", "--to", "pt", *chat, "--no-wait", **key).stdout.strip()
    assert _run(peer, "retry", job, **key).exit_code == 0
    assert peer.retry_keys == ["sk-canary" if with_model else ""]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tone", "rude"],
        ["--chat-url", "https://x"],
        ["--chat-key-file", "key"],
        ["--term", "=x"],
        ["--bilingual"],
        ["--field", "x"],
    ],
)
def test_usage_is_wrong_when_options_do_not_go_together(arguments: list[str], peer: Peer) -> None:
    assert _run(peer, "translate", "no file", "--to", "pt", *arguments).exit_code == 2
    assert not peer.jobs


def test_parts_are_downloaded_when_asked_for(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "guide.docx").write_bytes(b"x")
    job_id = _run(peer, "translate", "guide.docx", "--to", "pt", "--no-wait").stdout.strip()
    done = _run(peer, "download", job_id, "--parts", "--output", "parts/")
    assert done.exit_code == 0, done.output
    (part,) = (tmp_path / "parts").iterdir()
    assert part.read_bytes() == b"{}"
    assert "translate[pt,1]" in part.name


def test_formats_are_listed_when_asked_for(peer: Peer) -> None:
    assert _run(peer, "formats").stdout == "docx\t.docx\tWord.\n"


def test_glossary_is_kept_shown_and_deleted_when_made_of_a_file(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text(
        "source,target,target_language,case_sensitive\nmill,moinho,pt,yes\nBabelmill,,,\n"
    )
    glossary_id = _run(peer, "glossaries", "create", "terms.csv").stdout.strip()
    listed = json.loads(_run(peer, "glossaries", "list", "--json").stdout)
    assert (listed["glossary_id"], listed["display_name"]) == (glossary_id, "terms")
    assert listed["term_count"] == 2
    assert _run(peer, "glossaries", "show", glossary_id).stdout == (
        "mill\tmoinho\tpt\nBabelmill\t(kept)\t\n"
    )
    assert _run(peer, "glossaries", "delete", glossary_id).exit_code == 0
    assert _run(peer, "glossaries", "delete", glossary_id).exit_code == 4
    assert _run(peer, "glossaries", "list").stdout == ""


@pytest.mark.parametrize("text", ["term\nx\n", "source,color\nx,y\n", "source\na,b\n", "\xff"])
def test_usage_is_wrong_when_the_glossary_is_no_csv_of_terms(
    text: str, peer: Peer, tmp_path: Path
) -> None:
    (tmp_path / "terms.csv").write_text(text, encoding="latin-1")
    assert _run(peer, "glossaries", "create", "terms.csv").exit_code == 2
