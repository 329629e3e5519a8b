"""Real translations and real transcodes, through the same commands that users type."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import imageio_ffmpeg
import typer

GUIDE = """# The mill

The old mill by the river **never stops**. See [the door](https://example.com/door) first, then run:

```sh
mill --start river
```

- Every job survives the death of any process.
- The miller keeps 3 sacks of flour.
"""
TEXT = "The old mill by the river never stops turning. Every job survives the death of any process."
CLIP_SECONDS = 12


def run_demo(home: Path, values: Mapping[str, str]) -> int:
    """Run it against the stack that `values` tell of; return the exit code."""
    directory = _shortest(home / "demo")
    shutil.rmtree(directory, ignore_errors=True)  # the results of an earlier run
    directory.mkdir(mode=0o700)
    clip = directory / "clip.mkv"
    _make_clip(clip)
    text = directory / "hello.txt"
    text.write_text(TEXT + "\n")
    guide = directory / "guide.md"
    guide.write_text(GUIDE)
    commands = (
        ("translate", str(text), "--from", "en", "--to", "pt", "--output", str(directory)),
        ("translate", str(guide), "--to", "pt", "--bilingual", "--output", str(directory)),
        ("transcode", str(clip), "--preset", "mp4-h264", "--output", str(directory / "clip.mp4")),
        ("transcode", str(clip), "--preset", "mp3", "--output", str(directory / "clip.mp3")),
        ("jobs", "--limit", "3"),
    )
    program = Path(sys.executable).parent / "babelmill"
    for arguments in commands:
        typer.secho(f"\n$ babelmill {' '.join(arguments)}", bold=True)
        finished = subprocess.run([program, *arguments], env={**os.environ, **values}, check=False)
        if finished.returncode != 0:
            return finished.returncode
        if arguments[0] == "translate":
            made = Path(arguments[1])
            typer.echo(made.with_suffix(f".pt{made.suffix}").read_text())
    given = {clip, text, guide}
    results = sorted(path for path in directory.iterdir() if path not in given)
    typer.secho("\nResults", bold=True)
    for path in results:
        typer.echo(f"  {path}  ({path.stat().st_size:,} bytes)")
    typer.secho("\nTo watch a job over plain gRPC while `make up` runs:", bold=True)
    typer.echo(
        "  set -a; . .babelmill/env\n"
        '  grpcurl -plaintext -H "authorization: Bearer $BABELMILL_TOKEN" \\\n'
        '    -d \'{"job_id": "JOB"}\' $BABELMILL_GRPC babelmill.jobs.v1.JobService/WatchJob'
    )
    return 0


def _shortest(path: Path) -> Path:
    """Return the path as a person in this folder would type it."""
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path


def _make_clip(path: Path) -> None:
    """Draw a moving test picture and a tone: media of one's own, with no licence to mind."""
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-nostdin", "-y", "-v", "error"),
            *("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=30:duration={CLIP_SECONDS}"),
            *("-f", "lavfi", "-i", f"sine=frequency=440:beep_factor=4:duration={CLIP_SECONDS}"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", path),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
