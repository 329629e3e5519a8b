"""The `babelmill` command against a peer: output, files and exit codes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner, Result

from babelmill.cli.main import app
from babelmill.jobs.v1 import failure_pb2, job_event_pb2, job_pb2
from babelmill.kit.wire.status_details import ErrorDetails, FieldViolation
from tests.integration.client_peer import Peer, ScriptedJob, serving
from tests.integration.client_peer_artifacts import TOKEN

COMMAND = (sys.executable, "-m", "babelmill.cli.main")
HOSTILE = "[red]Olá[/red] \x1b[31mmundo\x07 \u202ekcab"


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        served.on_create = lambda scripted: translate_with(served, scripted, {"pt": "Bom dia."})
        yield served


def translate_with(peer: Peer, scripted: ScriptedJob, texts: dict[str, str]) -> None:
    """Finish a new job at once with these texts; a language without one fails."""
    for language in scripted.job.spec.translate_text.target_languages:
        target = scripted.job.targets.add(key=language)
        if language in texts:
            target.state = job_pb2.TARGET_STATE_COMPLETED
            target.text = texts[language]
        else:
            target.state = job_pb2.TARGET_STATE_FAILED
            target.error.CopyFrom(failure_pb2.Failure(reason="ENGINE_FAILED", message="it broke"))
    if scripted.job.spec.WhichOneof("kind") == "transcode":
        made = peer.add_artifact(b"media bytes", "../../clip.mp3")
        scripted.job.targets.add(key="mp3", state=job_pb2.TARGET_STATE_COMPLETED, outputs=[made])
    failed = [t for t in scripted.job.targets if t.state == job_pb2.TARGET_STATE_FAILED]
    if len(failed) == len(scripted.job.targets):
        scripted.job.error.CopyFrom(failed[0].error)
        state = job_pb2.JOB_STATE_FAILED
    elif failed:
        state = job_pb2.JOB_STATE_PARTIALLY_COMPLETED
    else:
        state = job_pb2.JOB_STATE_COMPLETED
    peer.append(scripted, job_pb2.JOB_STATE_IN_PROGRESS)
    peer.append(scripted, state)


def environment(peer: Peer) -> dict[str, str]:
    return {"BABELMILL_GRPC": peer.address, "BABELMILL_TOKEN": TOKEN}


def run(peer: Peer, *arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], input=stdin, env=environment(peer)
    )


def test_only_the_translation_is_on_stdout_when_one_language_is_made(peer: Peer) -> None:
    done = run(peer, "translate", "Good morning.", "--to", "pt")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "Bom dia.\n"
    assert "job COMPLETED" in done.stderr


def test_each_translation_is_headed_when_several_are_made(peer: Peer) -> None:
    peer.on_create = lambda job: translate_with(peer, job, {"pt": "Bom dia.\n", "es": "Hola."})
    done = run(peer, "translate", "Good morning.", "--to", "pt", "--to", "es")
    assert done.exit_code == 0
    assert done.stdout == "== pt ==\nBom dia.\n== es ==\nHola.\n"


def test_what_succeeded_is_printed_when_a_language_fails(peer: Peer) -> None:
    done = run(peer, "translate", "Good morning.", "--to", "pt,xx")
    assert done.exit_code == 1
    assert "Bom dia." in done.stdout
    assert "PARTIALLY_COMPLETED" in done.stderr
    assert "xx: FAILED ENGINE_FAILED: it broke" in done.stderr


def test_the_reason_is_told_when_the_job_fails(peer: Peer) -> None:
    done = run(peer, "translate", "Good morning.", "--to", "xx")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "ENGINE_FAILED: it broke" in done.stderr


def test_a_file_is_read_when_it_exists(peer: Peer, tmp_path: Path) -> None:
    source = tmp_path / "letter.txt"
    source.write_text("Dear miller,\n")
    done = run(peer, "translate", source, "--to", "pt", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    written = tmp_path / "out" / "letter.pt.txt"
    assert done.stdout == f"{written}\n"
    assert written.read_text() == "Bom dia."
    (job,) = peer.jobs.values()
    assert job.job.spec.translate_text.text == "Dear miller,\n"
    again = run(peer, "translate", source, "--to", "pt", "--output", tmp_path / "out")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    forced = run(peer, "translate", source, "--to", "pt", "-o", tmp_path / "out", "--force")
    assert forced.exit_code == 0


def test_a_large_file_is_uploaded_when_it_does_not_fit(peer: Peer, tmp_path: Path) -> None:
    source = tmp_path / "book.txt"
    source.write_text("Good morning. " * 100_000)
    assert run(peer, "translate", source, "--to", "pt").exit_code == 0
    (stored,) = peer.artifacts.values()
    assert stored.data == source.read_bytes()
    assert stored.artifact.media_type == "text/plain"


def test_stdin_is_read_when_asked_for(peer: Peer) -> None:
    done = run(peer, "translate", "-", "--to", "pt", stdin=b"Ol\xc3\xa1")
    assert done.exit_code == 0
    (job,) = peer.jobs.values()
    assert job.job.spec.translate_text.text == "Olá"


def test_bytes_that_are_no_text_are_refused_when_read(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"Ol\xe1")
    done = run(peer, "translate", tmp_path / "latin.txt", "--to", "pt")
    assert done.exit_code == 2
    assert "byte 2 is 0xe1" in done.stderr


def test_one_json_document_is_printed_when_asked_for(peer: Peer) -> None:
    done = run(peer, "translate", "Good morning.", "--to", "pt", "--json")
    job = json.loads(done.stdout)
    assert job["state"] == "JOB_STATE_COMPLETED"
    assert job["targets"][0]["text"] == "Bom dia."


def test_the_id_is_printed_when_not_waiting(peer: Peer) -> None:
    done = run(peer, "translate", "x", "--to", "pt", "--no-wait", "--label", "a=b=c")
    (job_id,) = peer.jobs
    assert done.stdout == f"{job_id}\n"
    assert dict(peer.jobs[job_id].job.labels) == {"a": "b=c"}
    assert peer.watches == []


def test_every_event_is_a_json_line_when_watched(peer: Peer) -> None:
    job_id = peer.add_job(4)
    done = run(peer, "watch", job_id, "--after", "0", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [int(line["sequence"]) for line in lines if "event" in line] == [1, 2, 3, 4]
    assert done.exit_code == 0


def test_the_outcome_is_the_exit_code_when_watched(peer: Peer) -> None:
    job_id = peer.add_job(1, final=False)
    peer.happen(job_id, job_pb2.JOB_STATE_FAILED)
    done = run(peer, "watch", job_id)
    assert done.exit_code == 1
    assert done.stdout == f"{job_id} FAILED\n"


@pytest.mark.matrix(30)
def test_a_name_from_the_service_is_no_path_when_downloaded(peer: Peer, tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    source.write_bytes(b"sound")
    out = tmp_path / "out"
    done = run(peer, "transcode", source, "--preset", "mp3", "--output", f"{out}/")
    assert done.exit_code == 0, done.stderr
    assert (out / "clip.mp3").read_bytes() == b"media bytes"
    (job_id,) = peer.jobs
    elsewhere = tmp_path / "named.mp3"
    assert run(peer, "download", job_id, "--output", elsewhere).exit_code == 0
    assert elsewhere.read_bytes() == b"media bytes"


def test_the_input_is_kept_when_it_is_named_as_output(peer: Peer, tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    source.write_bytes(b"sound")
    done = run(peer, "transcode", source, "--preset", "mp3", "--output", source)
    assert done.exit_code == 2
    assert source.read_bytes() == b"sound"


def test_bytes_go_to_stdout_when_asked_for(peer: Peer) -> None:
    artifact = peer.add_artifact(b"\x00\xff\x1b")
    done = run(peer, "download", artifact.artifact_id, "--output", "-")
    assert done.stdout_bytes == b"\x00\xff\x1b"


def test_an_artifact_id_is_printed_when_uploaded(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    done = run(peer, "upload", tmp_path / "a.txt")
    assert done.stdout.strip() in peer.artifacts


def test_rows_are_lines_when_stdout_is_no_terminal(peer: Peer) -> None:
    assert run(peer, "engines").stdout == "mill\t1\t[bold]Grinds.[/]\tany pair, tone\n"
    assert run(peer, "languages", "--from", "en").stdout == "en\tpt\tmill pt\n"
    assert json.loads(run(peer, "presets", "--json").stdout)["name"] == "mp3"


def test_jobs_are_listed_up_to_the_limit_when_there_are_more(peer: Peer) -> None:
    for _ in range(5):
        peer.add_job(1)
    peer.add_job(1, final=False)
    assert len(run(peer, "jobs", "--limit", "3").stdout.splitlines()) == 3
    lines = run(peer, "jobs", "--state", "in_progress", "--json").stdout.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["JOB_STATE_IN_PROGRESS"]


def test_a_job_is_shown_when_got(peer: Peer) -> None:
    run(peer, "translate", "x", "--to", "pt")
    (job_id,) = peer.jobs
    shown = run(peer, "get", job_id).stdout
    assert f"job\t{job_id}" in shown
    assert "target pt\tCOMPLETED" in shown
    assert json.loads(run(peer, "get", job_id, "--json").stdout)["job_id"] == job_id


def test_a_job_is_stopped_when_cancelled(peer: Peer) -> None:
    running, ended = peer.add_job(1, final=False), peer.add_job(1)
    done = run(peer, "cancel", running, "--wait")
    assert (done.exit_code, done.stdout) == (0, f"{running} CANCELLED\n")
    refused = run(peer, "cancel", ended)
    assert refused.exit_code == 4
    assert "JOB_FINISHED" in refused.stderr


def test_wrong_fields_and_facts_are_listed_when_refused(peer: Peer) -> None:
    peer.faults.refusals = [
        ErrorDetails(
            grpc.StatusCode.INVALID_ARGUMENT,
            "there is no such pair",
            reason="UNSUPPORTED_LANGUAGE_PAIR",
            metadata={"pairs": "en-pt, pt-en"},
            violations=(FieldViolation("spec.translate_text", "no en-xx \x1b[2J"),),
        )
    ]
    done = run(peer, "translate", "x", "--to", "xx")
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr == (
        "babelmill: there is no such pair [UNSUPPORTED_LANGUAGE_PAIR]\n"
        "  spec.translate_text: no en-xx \\x1b[2J\n"
        "  pairs: en-pt, pt-en\n"
    )


def test_the_address_is_told_when_nothing_listens() -> None:
    done = CliRunner().invoke(app, ["engines"], env={"BABELMILL_GRPC": "127.0.0.1:1"})
    assert done.exit_code == 3
    assert "127.0.0.1:1" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["translate", "x"],
        ["translate", "x", "--to", "pt", "--priority", "asap"],
        ["translate", "x", "--to", "pt", "--label", "novalue"],
        ["jobs", "--state", "done"],
        ["transcode", "/nowhere.mp4", "--preset", "mp3"],
        ["watch", "x", "--after", "-1"],
        ["grind"],
    ],
)
def test_usage_is_told_when_words_are_wrong(peer: Peer, arguments: list[str]) -> None:
    done = run(peer, *arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


def test_control_characters_are_kept_when_stdout_is_a_file(peer: Peer) -> None:
    peer.on_create = lambda job: translate_with(peer, job, {"pt": HOSTILE})
    assert run(peer, "translate", "x", "--to", "pt").stdout == HOSTILE + "\n"


def test_a_step_is_told_in_a_line_when_it_changes(peer: Peer) -> None:
    job_id = peer.add_job(1, final=False)
    event = job_event_pb2.JobEvent(
        job_id=job_id,
        sequence=2,
        target_finished=job_event_pb2.TargetFinished(
            key="pt\x1b[2J", state=job_pb2.TARGET_STATE_COMPLETED
        ),
    )
    peer.jobs[job_id].events.append(event)
    peer.happen(job_id, job_pb2.JOB_STATE_COMPLETED)
    done = run(peer, "watch", job_id, "--after", "0")
    assert "2  target pt\\x1b[2J COMPLETED" in done.stderr
