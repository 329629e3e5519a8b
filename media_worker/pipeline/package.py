"""Makes a package for streaming: renditions of several heights, the sound, and playlists.

Every file is verified as a rendition is, the playlists are held against the
files, and the whole is opened once as a player would.
"""

from dataclasses import replace
from xml.etree import ElementTree  # for the name of its error

from babelmill.kit.process.telemetry import tracer
from babelmill.kit.worker.handler import Output, StepFailure
from media_worker.ffmpeg.command import SourceAccess
from media_worker.ffmpeg.failures import refused
from media_worker.ffmpeg.media_info import MediaInfo, StreamInfo, StreamKind
from media_worker.ffmpeg.packaging import Package, Rung, package_arguments
from media_worker.ffmpeg.probe import check
from media_worker.ffmpeg.progress import MediaProgress
from media_worker.ffmpeg.session import FfmpegSession
from media_worker.pipeline.dash_index import FileIndex, NoIndex, read_index, with_indexes
from media_worker.pipeline.loudness import gain_to
from media_worker.pipeline.playlists import BadPlaylist, check_ranges, read_dash, read_hls
from media_worker.pipeline.rendition import Part, find_part
from media_worker.pipeline.selection import check_gaps, plan_progress
from media_worker.presets.arguments import audio_arguments
from media_worker.presets.options import Options
from media_worker.presets.recipe import Preset
from media_worker.verification import compare_output, invalid_output

_HEIGHTS = (1080, 720, 480, 360)
_SEGMENT_SECONDS = 4.0
# Playlists count in whole seconds, rounded.
_SHORTEST_SECONDS = 0.5
_BITRATES_KBPS = {2160: 12_000, 1440: 8_000, 1080: 5_000, 720: 2_800, 480: 1_400, 360: 800}
_MEDIA_TYPES = {
    "mp4": "video/mp4",
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
}
_DEMUXER = "mov"


def make_package(
    session: FfmpegSession, source: SourceAccess, preset: Preset, options: Options
) -> tuple[Output, ...]:
    """Make all files of a package, the one that a player is told first.

    Raises StepFailure and Stopped.
    """
    part = find_part(session, source, preset, options)
    seconds = min(part.selection.end_seconds, part.window.end_seconds)
    if seconds - part.window.start_seconds < _SHORTEST_SECONDS:
        raise refused("TOO_SHORT", "The file is too short to be cut into segments for streaming.")
    package = _plan(session, part, preset, options)
    rate = f"{options.frame_rate:g}" if options.frame_rate else ""
    if rate and part.selection.video is not None:
        check_gaps(part.selection.video, part.window, rate)
    progress = plan_progress(part.selection, part.window, rate)
    session.report(progress, "transcode")
    names = (*package.playlist_names, *package.media_names)
    try:
        with tracer(__name__).start_as_current_span(
            "ffmpeg.package", attributes={"babelmill.preset": preset.name}
        ):
            session.run(package_arguments(part.source, package), progress=progress)
            if preset.muxer == "dash":
                _point_at_indexes(session, package)
        session.report(progress, "verify")
        with tracer(__name__).start_as_current_span("ffmpeg.verify"):
            _verify(session, part, preset, package, progress)
        outputs = tuple(
            session.attempt.output_file(name, _media_type(name, package), session.directory / name)
            for name in names
        )
    finally:
        for name in names:
            (session.directory / name).unlink(missing_ok=True)
    session.report(progress, "verify", progress.finish())
    return outputs


def choose_rungs(heights: tuple[int, ...], source_height: int) -> tuple[Rung, ...]:
    """Choose the renditions, the highest first; none is higher than the input."""
    wanted = sorted(set(heights or _HEIGHTS), reverse=True)
    fit = [height for height in wanted if height <= source_height]
    return tuple(
        Rung(height - height % 2, bitrate_for(height)) for height in fit or [source_height]
    )


def bitrate_for(height: int) -> int:
    """Say how many kbit/s pictures of a height get: by their area, from the next one known."""
    known = min(_BITRATES_KBPS, key=lambda each: abs(each - height))
    return max(64, round(_BITRATES_KBPS[known] * (height / known) ** 2))


def _plan(session: FfmpegSession, part: Part, preset: Preset, options: Options) -> Package:
    video, audio = part.selection.video, part.selection.audio
    if video is None or preset.video is None or preset.audio is None:
        raise TypeError(preset.name)
    gain_db = None
    if options.loudness_lufs and audio is not None:
        gain_db = gain_to(session, part.source, audio, options, skip_seconds=part.skip_seconds)
    return Package(
        muxer=preset.muxer,
        rungs=choose_rungs(options.heights, max(2, video.height or 2)),
        video_index=video.index,
        audio_index=None if audio is None else audio.index,
        picture_filters=f"fps={options.frame_rate:g}" if options.frame_rate else "",
        video_arguments=("-c:v", preset.video.encoder, *preset.video.fixed),
        audio_arguments=(
            ()
            if audio is None
            else audio_arguments(preset.audio, options, fills_silence=False, gain_db=gain_db)
        ),
        segment_seconds=options.segment_seconds or _SEGMENT_SECONDS,
        skip_seconds=part.skip_seconds,
        max_seconds=part.max_seconds,
        threads=session.limits.threads,
        strict=part.info.is_strict,
    )


def _verify(
    session: FfmpegSession, part: Part, preset: Preset, package: Package, progress: MediaProgress
) -> None:
    """Check every file and the playlists. Raises StepFailure: OUTPUT_INVALID; and Stopped."""
    files = [session.access(name, formats=(_DEMUXER,)) for name in package.media_names]
    # On their common clock, or a late sound could not be told from one in time.
    found = [
        check(
            session.context,
            replace(file, keeps_clock=True),
            has_video=number < len(package.rungs),
        )
        for number, file in enumerate(files)
    ]
    sound = found[len(package.rungs)].best(StreamKind.AUDIO) if part.selection.audio else None
    if part.selection.audio is not None and sound is None:
        raise invalid_output("audio_streams")
    for rendition in found[: len(package.rungs)]:
        compare_output(
            _together(rendition, sound),
            replace(preset, demuxer=_DEMUXER),
            source_video=part.selection.video,
            source_audio=part.selection.audio,
            frames_encoded=progress.frames_encoded,
            window=part.window,
        )
    texts = {
        name: (session.directory / name).read_text(encoding="utf-8")
        for name in package.playlist_names
    }
    sizes = {name: (session.directory / name).stat().st_size for name in package.media_names}
    first = package.playlist_names[0]
    try:
        if preset.muxer == "dash":
            ranges = read_dash(texts[first], _indexes(session, package))
        else:
            ranges = read_hls(texts, first)
        check_ranges(ranges, sizes)
    except BadPlaylist as error:
        raise invalid_output(f"playlist_{error}") from error
    _play(session, preset, first, len(package.media_names))


def _indexes(session: FfmpegSession, package: Package) -> dict[str, FileIndex]:
    """Read the files' indexes. Raises StepFailure: OUTPUT_INVALID."""
    try:
        return {name: read_index(session.directory / name) for name in package.media_names}
    except NoIndex as error:
        raise invalid_output("index") from error


def _point_at_indexes(session: FfmpegSession, package: Package) -> None:
    """Rewrite the manifest. Raises StepFailure: OUTPUT_INVALID."""
    manifest = session.directory / package.playlist_names[0]
    try:
        text = with_indexes(manifest.read_text(encoding="utf-8"), _indexes(session, package))
    except (NoIndex, ElementTree.ParseError) as error:
        raise invalid_output("manifest") from error
    manifest.write_text(text, encoding="utf-8")


def _play(session: FfmpegSession, preset: Preset, playlist: str, streams: int) -> None:
    try:
        access = session.access(playlist, formats=(preset.demuxer, _DEMUXER))
        played = check(session.context, access, has_video=True)
    except StepFailure as error:
        raise invalid_output("playable") from error
    if len(played.streams) != streams:
        raise invalid_output("playable_streams")


def _together(rendition: MediaInfo, sound: StreamInfo | None) -> MediaInfo:
    return replace(rendition, streams=(*rendition.streams, *((sound,) if sound else ())))


def _media_type(name: str, package: Package) -> str:
    if package.audio_index is not None and name == package.media_names[-1]:
        return "audio/mp4"
    return _MEDIA_TYPES[name.rpartition(".")[2]]
