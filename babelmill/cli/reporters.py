"""Shows a watched job: bars for people, lines for logs, JSON lines for programs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from babelmill.cli.job_view import (
    JobView,
    TargetView,
    amount,
    describe_event,
    describe_progress,
    seconds_left,
    target_word,
)
from babelmill.cli.screen import Screen, one_line, to_json
from babelmill.client import Event, ProgressTick, Snapshot, Update
from babelmill.client.jobs import state_name
from babelmill.jobs.v1 import job_pb2, job_service_pb2, progress_pb2

_PROGRESS_LINE_SECONDS = 1.0
_REFRESH_SECONDS = 1.0


class Reporter(Protocol):
    """What shows updates."""

    def show(self, update: Update) -> None:
        """Show one update."""


class JsonReporter:
    """One JSON document a line: the contract's WatchJobResponse."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def show(self, update: Update) -> None:
        """Print an update."""
        message = job_service_pb2.WatchJobResponse(sequence=update.sequence)
        if isinstance(update, Snapshot):
            message.snapshot.CopyFrom(update.job)
        elif isinstance(update, Event):
            message.event.CopyFrom(update.event)
        else:
            message.progress.CopyFrom(update.progress)
        self._say(to_json(message))


class LineReporter:
    """One line an event, and at most one line of progress a second."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last_progress = -_PROGRESS_LINE_SECONDS
        self._last_line = ""

    def show(self, update: Update) -> None:
        """Print an update."""
        if isinstance(update, Snapshot):
            self._say(f"{update.sequence:>4}  job {state_name(update.job.state)}")
        elif isinstance(update, Event):
            self._say(f"{update.sequence:>4}  {describe_event(update.event)}")
        else:
            self._progress(update)

    def _progress(self, tick: ProgressTick) -> None:
        line, now = describe_progress(tick.progress), time.monotonic()
        if line != self._last_line and now - self._last_progress >= _PROGRESS_LINE_SECONDS:
            self._last_progress, self._last_line = now, line
            self._say(f"      {line}")


class BarReporter:
    """A bar for the job and, when there are several, one for each target.

    Ticks tell only of the whole job, so with several targets the job is
    fetched again, at most once a second, to show what each has done.
    """

    def __init__(self, bars: Progress, refresh: Callable[[], job_pb2.Job]) -> None:
        self._bars = bars
        self._refresh = refresh
        self._last_refresh = time.monotonic()
        self._view = JobView()
        self._job_bar: TaskID | None = None
        self._target_bars: dict[str, TaskID] = {}

    def show(self, update: Update) -> None:
        """Draw an update."""
        self._view.apply(update)
        now = time.monotonic()
        if (
            isinstance(update, ProgressTick)
            and len(self._view.targets) > 1
            and now - self._last_refresh >= _REFRESH_SECONDS
        ):
            self._last_refresh = now
            self._view.refresh(self._refresh())
        self._draw()

    def _draw(self) -> None:
        if self._job_bar is None:
            self._job_bar = self._bars.add_task("", total=100)
        self._bars.update(
            self._job_bar,
            completed=self._view.progress.percent,
            description=f"job {state_name(self._view.state)}",
            amount=amount(self._view.progress),
            ends_at=_local_end(self._view.progress),
        )
        if len(self._view.targets) > 1:
            for target in self._view.targets.values():
                self._draw_target(target)

    def _draw_target(self, target: TargetView) -> None:
        if target.key not in self._target_bars:
            self._target_bars[target.key] = self._bars.add_task("", total=100)
        is_done = target.state == job_pb2.TARGET_STATE_COMPLETED
        is_active = target.state == job_pb2.TARGET_STATE_ACTIVE
        self._bars.update(
            self._target_bars[target.key],
            completed=100 if is_done else target.progress.percent,
            description=f"  {one_line(target.key)}",
            amount=amount(target.progress) if is_active else target_word(target.state),
            ends_at=None,
        )


@contextmanager
def bars_on(screen: Screen) -> Iterator[Progress]:
    """Open an area for bars on stderr; it stays when the work is done."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        _AmountColumn(),
        _EtaColumn(),
        console=screen.err,
    ) as bars:
        yield bars


@contextmanager
def transfer_bar(screen: Screen, label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Open a bar for bytes on a terminal; elsewhere give None."""
    if not screen.shows_bars:
        yield None
        return
    with bars_on(screen) as bars:
        bar = bars.add_task(one_line(label), total=100)

        def moved(done_bytes: int, all_bytes: int) -> None:
            shown = f"{done_bytes / 1e6:.1f}/{all_bytes / 1e6:.1f} MB"
            bars.update(bar, completed=100 * done_bytes / max(1, all_bytes), amount=shown)

        yield moved


class _AmountColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(str(task.fields.get("amount", "")))


class _EtaColumn(ProgressColumn):
    """Counts down to the end that the service expects."""

    def render(self, task: Task) -> Text:
        ends_at = task.fields.get("ends_at")
        if ends_at is None or task.finished:
            return Text("")
        return Text(f"{max(0.0, ends_at - time.monotonic()):.0f} s left")


def _local_end(progress: progress_pb2.Progress) -> float | None:
    left = seconds_left(progress)
    return None if left is None else time.monotonic() + left
