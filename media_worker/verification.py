"""Checks a finished output against what its preset and its input promise.

ffmpeg ends with status 0 for many outputs that are wrong: cut short by a
damaged input, or by a limit. So the output is read again as any player would:
containers and codecs as promised, every frame that was encoded present, sound
and picture as long as in the input and as far apart, and decodable.
"""

from dataclasses import replace

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.handler import StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.media_info import MediaInfo, PacketSpan, StreamInfo, StreamKind
from media_worker.ffmpeg.probe import RunContext, check
from media_worker.ffmpeg.window import Window
from media_worker.presets.recipe import Preset, StreamRecipe

_TOLERANCE_SECONDS = 0.05
# Sound is made of blocks: its first and last are filled up.
_AUDIO_BLOCKS = 2
_ALL = Window()
_REORDERED_FRAMES = 2


def verify_output(
    context: RunContext,
    access: SourceAccess,
    preset: Preset,
    *,
    source_video: StreamInfo | None,
    source_audio: StreamInfo | None,
    frames_encoded: int,
    window: Window = _ALL,
) -> MediaInfo:
    """Read an output again and compare it.

    Raises StepFailure: OUTPUT_INVALID, with metadata `check` that names what
    did not hold, and what ends a run early; and Stopped.
    """
    try:
        has_video = preset.video is not None and source_video is not None
        output = check(context, access, has_video=has_video)
    except StepFailure as error:
        if error.reason in {FailureReason.NOT_MEDIA, FailureReason.MEDIA_REFUSED}:
            raise invalid_output("decodes") from error
        raise
    compare_output(
        output,
        preset,
        source_video=source_video,
        source_audio=source_audio,
        frames_encoded=frames_encoded,
        window=window,
    )
    return output


def compare_output(
    output: MediaInfo,
    preset: Preset,
    *,
    source_video: StreamInfo | None,
    source_audio: StreamInfo | None,
    frames_encoded: int,
    window: Window = _ALL,
) -> None:
    """Compare what was found in an output with what it should be. Pure.

    A source stream that was not asked for is None, and only the window's part
    of the others is expected. Raises StepFailure as
    `verify_output`.
    """
    if preset.demuxer not in output.format_names:
        raise invalid_output("container")
    video = _compare_codec(output, StreamKind.VIDEO, preset.video, source_video)
    audio = _compare_codec(output, StreamKind.AUDIO, preset.audio, source_audio)
    # Where a window cuts, a frame more or less may be within it, at both ends.
    edge_frames = 1 if window.is_all else 2
    picture = _expected(source_video, window)
    heard = _expected(source_audio, window)
    if heard is not None and not preset.keeps_time:
        # Silence was put where there is none.
        heard = replace(heard, start_seconds=min(heard.start_seconds, 0.0), hole_seconds=0.0)
    if video is not None and picture is not None:
        if not preset.keeps_rate:
            # Frames of one length each: some muxers repeat the first from zero on, and old
            # containers do not tell how far the order of showing is from that of decoding.
            edge_frames += _REORDERED_FRAMES
            from_zero = replace(picture, start_seconds=min(picture.start_seconds, 0.0))
            shown = _shown_seconds(_span(video))
            picture = min((picture, from_zero), key=lambda each: abs(_shown_seconds(each) - shown))
        _compare_video(_span(video), picture, frames_encoded, edge_frames)
    if audio is not None and heard is not None:
        _compare_audio(_span(audio), heard)
    if video is not None and audio is not None and picture and heard:
        _compare_sync(_span(video), _span(audio), source_video=picture, source_audio=heard)


def _compare_codec(
    output: MediaInfo, kind: StreamKind, recipe: StreamRecipe | None, source: StreamInfo | None
) -> StreamInfo | None:
    streams = [s for s in output.streams if s.kind is kind and not s.is_cover]
    expected = 1 if recipe is not None and source is not None else 0
    if len(streams) != expected:
        raise invalid_output(f"{kind}_streams")
    if not streams or recipe is None:
        return None
    if streams[0].codec != recipe.codec:
        raise invalid_output(f"{kind}_codec")
    return streams[0]


def _expected(source: StreamInfo | None, window: Window) -> PacketSpan | None:
    return None if source is None else window.clip(_span(source))


def _compare_video(
    output: PacketSpan, source: PacketSpan, frames_encoded: int, edge_frames: int
) -> None:
    if output.packet_count != frames_encoded:
        raise invalid_output("video_frames")
    frame_seconds = max(source.frame_seconds, output.frame_seconds)
    tolerance = max(_TOLERANCE_SECONDS, edge_frames * frame_seconds)
    shown, expected = _shown_seconds(output), _shown_seconds(source)
    if not _near(shown, expected, tolerance):
        raise invalid_output("video_duration", shown, expected)


def _shown_seconds(span: PacketSpan) -> float:
    """Give the time up to the start of the last frame: how long it stays is often not told."""
    return span.last_start_seconds - span.start_seconds


def _compare_audio(output: PacketSpan, source: PacketSpan) -> None:
    if not _near(output.seconds, source.seconds, _audio_tolerance(output, source)):
        raise invalid_output("audio_duration", output.seconds, source.seconds)


def _compare_sync(
    video: PacketSpan, audio: PacketSpan, *, source_video: PacketSpan, source_audio: PacketSpan
) -> None:
    offset = audio.start_seconds - video.start_seconds
    expected = source_audio.start_seconds - source_video.start_seconds
    tolerance = max(_audio_tolerance(audio, source_audio), source_video.frame_seconds)
    if not _near(offset, expected, tolerance):
        raise invalid_output("audio_video_offset", offset, expected)


def _audio_tolerance(output: PacketSpan, source: PacketSpan) -> float:
    block = max(output.longest_packet_seconds, min(source.longest_packet_seconds, 0.2))
    return max(_TOLERANCE_SECONDS, _AUDIO_BLOCKS * block)


def _near(value: float, expected: float, tolerance: float) -> bool:
    # A little more than the tolerance, for the rounding of time bases.
    return abs(value - expected) <= tolerance + 0.002


def _span(stream: StreamInfo) -> PacketSpan:
    if stream.span is None:
        raise invalid_output(f"{stream.kind}_empty")
    return stream.span


def invalid_output(
    check_name: str, found: float | None = None, expected: float | None = None
) -> StepFailure:
    """Make the failure of an output that did not pass its check of `check_name`."""
    metadata = {"check": check_name}
    if found is not None and expected is not None:
        metadata |= {"found_seconds": f"{found:.3f}", "expected_seconds": f"{expected:.3f}"}
    return StepFailure(
        FailureReason.OUTPUT_INVALID,
        f"The output did not pass its check of {check_name.replace('_', ' ')}.",
        metadata=metadata,
    )
