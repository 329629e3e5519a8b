"""From a recipe and a client's options to ffmpeg's arguments. Pure."""

from media_worker.presets.options import Options
from media_worker.presets.recipe import AudioRecipe, Preset, VideoRecipe

# A gain that could clip is followed by a limiter at -1 dB.
_LIMITER = "alimiter=limit=0.891:level=disabled:latency=1"
PALETTE_COLOURS = 128


def stream_arguments(
    preset: Preset,
    options: Options,
    *,
    video: bool,
    audio: bool,
    threads: int,
    constant_rate: str = "",
    gain_db: float | None = None,
) -> tuple[str, ...]:
    """Give the arguments for the streams that are there, and for the container.

    `constant_rate` is for containers whose frames all last the same time.
    """
    arguments: tuple[str, ...] = ()
    if video and preset.video is not None:
        arguments += video_arguments(preset.video, options, threads, constant_rate)
    if audio and preset.audio is not None:
        arguments += audio_arguments(
            preset.audio, options, fills_silence=not preset.keeps_time, gain_db=gain_db
        )
    return arguments + preset.container_arguments


def video_arguments(
    recipe: VideoRecipe, options: Options, threads: int, constant_rate: str = ""
) -> tuple[str, ...]:
    """Give the arguments for pictures."""
    arguments: tuple[str, ...] = ("-c:v", recipe.encoder, *_rate(recipe, options), *recipe.fixed)
    if recipe.threads_argument is not None:
        option, value = recipe.threads_argument
        arguments += (option, value.format(threads=threads))
    if recipe.pixel_format:
        arguments += ("-pix_fmt", recipe.pixel_format)
    filters = video_filters(recipe, options, constant_rate)
    # With a palette the filters stand in a graph of two inputs.
    if filters and not recipe.has_palette:
        arguments += ("-vf", filters)
    return arguments


def video_filters(recipe: VideoRecipe, options: Options, constant_rate: str = "") -> str:
    """Give the filters that size and time pictures."""
    rate = options.frame_rate or recipe.frame_rate
    chosen = f"{rate:g}" if rate else constant_rate
    # A picture that is shown for a moment only must not get lost.
    last = ":eof_action=pass" if recipe.has_palette else ""
    filters = [f"fps={chosen}{last}"] if chosen else []
    return ",".join((*filters, fit(options.max_width or recipe.max_width, options.max_height)))


def fit(max_width: int, max_height: int) -> str:
    """Give the filter that makes pictures fit and their sides even, as 4:2:0 needs it."""
    bounds = ["iw"]
    if max_width:
        bounds.append(str(max_width))
    if max_height:
        bounds.append(f"{max_height}*a")
    least = bounds[0]
    for bound in bounds[1:]:
        least = f"min({bound},{least})"
    return f"scale=w='max(2,trunc({least}/2)*2)':h='max(2,trunc(ow/a/2)*2)'"


def audio_arguments(
    recipe: AudioRecipe, options: Options, *, fills_silence: bool, gain_db: float | None = None
) -> tuple[str, ...]:
    """Give the arguments for sound."""
    bitrate_kbps = options.audio_bitrate_kbps or (0 if options.quality else recipe.bitrate_kbps)
    arguments: tuple[str, ...] = ("-c:a", recipe.encoder, *recipe.fixed)
    if bitrate_kbps or recipe.quality is None:
        bitrate_kbps = bitrate_kbps or recipe.bitrate_kbps
        arguments += ("-b:a", f"{bitrate_kbps}k") if bitrate_kbps else ()
    else:
        arguments += recipe.quality.arguments(options.quality)
    channels = options.channels or recipe.channels
    rate_hz = options.sample_rate_hz or recipe.sample_rate_hz
    arguments += ("-ac", str(channels)) if channels else ()
    arguments += ("-ar", str(rate_hz)) if rate_hz else ()
    filters: list[str] = []
    if fills_silence:
        # Puts silence before what starts late, and into pauses.
        filters.append("aresample=async=1:first_pts=0")
    if gain_db is not None:
        filters += [f"volume={gain_db:.2f}dB", _LIMITER]
    if recipe.layouts and not channels:
        filters.append(f"aformat=channel_layouts={recipe.layouts}")
    return (*arguments, *(("-af", ",".join(filters)) if filters else ()))


def _rate(recipe: VideoRecipe, options: Options) -> tuple[str, ...]:
    kbps = options.video_bitrate_kbps
    if not kbps:
        return () if recipe.quality is None else recipe.quality.arguments(options.quality)
    arguments: tuple[str, ...] = ("-b:v", f"{kbps}k")
    if recipe.caps_bitrate:
        # What a player must be able to keep, for a few seconds.
        arguments += ("-maxrate", f"{kbps * 3 // 2}k", "-bufsize", f"{kbps * 2}k")
    return arguments
