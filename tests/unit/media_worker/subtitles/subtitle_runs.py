"""Attempts at work on subtitles, with a real store, a real scratch directory and real ffmpeg."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import structlog

from babelmill.jobs.v1 import lease_pb2
from babelmill.kit.artifacts.local_store import LocalStore
from babelmill.kit.worker.handler import Attempt, CancellationToken, Output, Result
from media_worker.ffmpeg.isolation import Isolation
from media_worker.ffmpeg.isolation_trial import find_isolation
from media_worker.ffmpeg.session import FfmpegSessions
from media_worker.subtitles.registry import subtitle_handlers
from tests.unit.media_worker.media_clips import (
    FFMPEG,
    LIMITS,
    QUICK_VIDEO,
    RecordedProgress,
    make_clip,
    picture,
    sound,
)

ENGLISH = """1
00:00:00,500 --> 00:00:01,500
Good <i>morning</i>.

2
00:00:01,501 --> 00:00:02,999
Where is
the old mill?

3
00:00:04,000 --> 00:00:05,040
Ça va, señor?

"""
PORTUGUESE = (
    ENGLISH.replace("Good <i>morning</i>.", "Bom <i>dia</i>.")
    .replace("Where is\nthe old mill?", "Onde fica\no moinho velho?")
    .replace("Ça va, señor?", "Tudo bem, senhor?")
)


def make_video(path: Path, *tracks: tuple[str, str], codec: str = "srt", late: float = 0) -> Path:
    """Make six seconds of picture and sound with subtitle tracks of (language, SubRip text)."""
    inputs: list[str] = [*picture(6, size="160x90"), "-itsoffset", str(late), *sound(5)]
    marks: list[str] = []
    for number, (language, text) in enumerate(tracks):
        file = path.with_suffix(f".{number}.srt")
        file.write_text(text, encoding="utf-8")
        inputs += ["-i", str(file)]
        marks += ["-map", f"{number + 2}", f"-metadata:s:s:{number}", f"language={language}"]
    made = ["-c:a", "aac", "-bf", "2", "-g", "25", "-c:s", codec]
    return make_clip(path, *inputs, "-map", "0", "-map", "1", *marks, *QUICK_VIDEO, *made)


@cache
def _isolation() -> Isolation:
    """Try once what the host offers; as a worker does when it starts."""
    return find_isolation(FFMPEG)


@dataclass
class SubtitleBench:
    """One attempt after the other, each in a scratch directory of its own."""

    root: Path
    cancellation: CancellationToken = field(default_factory=CancellationToken)
    progress: RecordedProgress = field(default_factory=RecordedProgress)
    attempts: int = 0

    def __post_init__(self) -> None:
        self.store = LocalStore(self.root / "store")

    def put(self, name: str, data: bytes) -> lease_pb2.StoredContent:
        """Put bytes where an attempt finds them."""
        key = f"input/{self.attempts}-{abs(hash((name, data)))}"
        digest = self.store.write(key, [data])
        content = lease_pb2.StoredContent(storage_key=key, filename=name)
        content.digest.sha256, content.digest.size_bytes = digest.sha256, digest.size_bytes
        return content

    def file(self, path: Path) -> lease_pb2.StoredContent:
        return self.put(path.name, path.read_bytes())

    def run(self, work: lease_pb2.Work) -> Result:
        self.attempts += 1
        scratch = self.root / f"scratch-{self.attempts}"
        scratch.mkdir(parents=True)
        attempt = Attempt(
            job_id="job",
            step_id="step",
            step_name="step",
            number=1,
            cancellation=self.cancellation,
            progress=self.progress,  # type: ignore[arg-type]  # has the one method that is used
            store=self.store,
            staging_prefix=f"staged/{self.attempts}",
            scratch=scratch,
            log=structlog.stdlib.get_logger("test"),
        )
        sessions = FfmpegSessions(FFMPEG, replace(LIMITS, isolation=_isolation()))
        kind = work.WhichOneof("kind")
        assert kind is not None
        return subtitle_handlers(sessions)[kind].run(work, attempt)

    def path(self, output: Output) -> Path:
        """Copy an output out of the store, under its own name."""
        assert output.storage_key is not None
        path = self.root / f"out-{self.attempts}" / output.filename
        path.parent.mkdir(exist_ok=True)
        with self.store.local_path(output.storage_key) as stored:
            path.write_bytes(stored.read_bytes())
        return path

    def text(self, output: Output) -> str:
        return self.path(output).read_text(encoding="utf-8")

    def extract(self, source: Path, **operation: object) -> tuple[Sequence[Output], dict[str, str]]:
        """Take tracks out; return the outputs and their texts by filename."""
        work = lease_pb2.Work()
        work.process_subtitles.source.CopyFrom(self.file(source))
        work.process_subtitles.extract.SetInParent()
        for name, value in operation.items():
            if name == "format":
                work.process_subtitles.extract.format = value  # type: ignore[assignment] # an enum
            else:
                setattr(work.process_subtitles.extract.track, name, value)
        result = self.run(work)
        return result.outputs, {each.filename: self.text(each) for each in result.outputs}

    def mux(
        self,
        source: Path,
        *tracks: tuple[str, str | bytes],
        container: int = 0,
        replace: bool = False,
        charset: str = "",
    ) -> Result:
        """Add tracks of (language, file)."""
        work = lease_pb2.Work()
        work.mux_tracks.source.CopyFrom(self.file(source))
        work.mux_tracks.container = container  # type: ignore[assignment] # an enum
        work.mux_tracks.replace = replace
        for number, (language, text) in enumerate(tracks):
            data = text.encode() if isinstance(text, str) else text
            work.mux_tracks.tracks.add(
                subtitles=self.put(f"{number}.srt", data), language=language, charset=charset
            )
        return self.run(work)
