"""ffmpeg's arguments for packages: one decode, several renditions, one file for each. Pure.

The files are fragmented MP4, of which the playlists name ranges of bytes, so
that all names are flat and there are few of them.
"""

from dataclasses import dataclass

from media_worker.ffmpeg.command import (
    SourceAccess,
    global_arguments,
    input_arguments,
    progress_arguments,
)

HLS_MASTER = "master.m3u8"
HLS_SOUND = "sound"
DASH_MANIFEST = "manifest.mpd"
# A player's buffer may lag behind by this much, and no more.
_PEAK_SHARE = 1.07
_BUFFER_SHARE = 1.5


@dataclass(frozen=True, slots=True)
class Rung:
    """One rendition of the pictures."""

    height: int
    bitrate_kbps: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.height}p"


@dataclass(frozen=True, slots=True)
class Package:
    """A package to be made."""

    muxer: str
    rungs: tuple[Rung, ...]
    video_index: int
    audio_index: int | None
    picture_filters: str
    """Filters before the pictures are made smaller; may be empty."""
    video_arguments: tuple[str, ...]
    audio_arguments: tuple[str, ...]
    segment_seconds: float
    skip_seconds: float
    max_seconds: float
    threads: int
    strict: bool

    def media_name(self, index: int) -> str:
        """Name the file of a rendition; the one behind the last rung is the sound's."""
        if self.muxer == "dash":
            return f"stream-{index}.mp4"
        name = self.rungs[index].name if index < len(self.rungs) else HLS_SOUND
        return f"{name}.mp4"

    @property
    def media_names(self) -> tuple[str, ...]:
        """Name all files that hold media, pictures first."""
        count = len(self.rungs) + (self.audio_index is not None)
        return tuple(self.media_name(index) for index in range(count))

    @property
    def playlist_names(self) -> tuple[str, ...]:
        """Name all playlists, the first of which a player is told."""
        if self.muxer == "dash":
            return (DASH_MANIFEST,)
        stems = [name.removesuffix(".mp4") for name in self.media_names]
        return (HLS_MASTER, *(f"{stem}.m3u8" for stem in stems))


def package_arguments(source: SourceAccess, package: Package) -> list[str]:
    """Make all renditions of a package in one run."""
    rungs = range(len(package.rungs))
    return [
        *global_arguments("error"),
        *(["-xerror"] if package.strict else []),
        *progress_arguments(),
        *("-filter_threads", str(package.threads)),
        *("-filter_complex_threads", str(package.threads)),
        *input_arguments(source),
        *("-filter_complex", _graph(package)),
        *(argument for index in rungs for argument in ("-map", f"[v{index}]")),
        *([] if package.audio_index is None else ["-map", f"0:{package.audio_index}"]),
        "-dn",
        *package.video_arguments,
        *(argument for index in rungs for argument in _bitrate(index, package.rungs[index])),
        # Every frame at its own time: else some muxers get frames of one length each.
        *("-fps_mode", "vfr"),
        *("-force_key_frames", f"expr:gte(t,n_forced*{package.segment_seconds:g})"),
        *package.audio_arguments,
        *("-threads", str(package.threads)),
        *(["-ss", f"{package.skip_seconds:.6f}"] if package.skip_seconds else []),
        *("-t", f"{package.max_seconds:.3f}"),
        *(_dash(package) if package.muxer == "dash" else _hls(package)),
    ]


def _graph(package: Package) -> str:
    count = len(package.rungs)
    before = f"{package.picture_filters}," if package.picture_filters else ""
    pads = "".join(f"[s{index}]" for index in range(count))
    chains = [f"[0:{package.video_index}]{before}split={count}{pads}"]
    for index, rung in enumerate(package.rungs):
        # Both sides even, the picture never larger than it was, its pixels as good as square.
        # (Exactly square ones would make shapes differ, and DASH refuses that.)
        height = f"max(2,trunc(min({rung.height},ih)/2)*2)"
        size = f"scale=w='max(2,trunc(oh*dar/2)*2)':h='{height}'"
        chains.append(f"[s{index}]{size},format=yuv420p[v{index}]")
    return ";".join(chains)


def _bitrate(index: int, rung: Rung) -> list[str]:
    kbps = rung.bitrate_kbps
    return [
        *(f"-b:v:{index}", f"{kbps}k"),
        *(f"-maxrate:v:{index}", f"{round(kbps * _PEAK_SHARE)}k"),
        *(f"-bufsize:v:{index}", f"{round(kbps * _BUFFER_SHARE)}k"),
    ]


def _hls(package: Package) -> list[str]:
    sound = ",agroup:sound" if package.audio_index is not None else ""
    streams = [f"v:{index}{sound},name:{rung.name}" for index, rung in enumerate(package.rungs)]
    if package.audio_index is not None:
        streams.append(f"a:0,agroup:sound,default:yes,name:{HLS_SOUND}")
    return [
        *("-f", "hls", "-hls_time", f"{package.segment_seconds:g}"),
        *("-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"),
        *("-hls_flags", "single_file+independent_segments"),
        *("-hls_segment_filename", "%v.mp4", "-master_pl_name", HLS_MASTER),
        *("-var_stream_map", " ".join(streams)),
        # Without a protocol, as the name is written into the playlists too.
        "%v.m3u8",
    ]


def _dash(package: Package) -> list[str]:
    sets = "id=0,streams=v" + (" id=1,streams=a" if package.audio_index is not None else "")
    return [
        *("-f", "dash", "-seg_duration", f"{package.segment_seconds:g}"),
        *("-single_file", "1", "-single_file_name", "stream-$RepresentationID$.mp4"),
        # One index before all segments, which the manifest is made to point at afterwards.
        *("-global_sidx", "1"),
        *("-adaptation_sets", sets),
        DASH_MANIFEST,
    ]
