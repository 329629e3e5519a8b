"""The argument builder: whitelists on every input, nothing of a client's in it."""

from media_worker.ffmpeg.command import (
    Encode,
    SourceAccess,
    check_arguments,
    encode_arguments,
    inspect_arguments,
    probe_arguments,
    scan_arguments,
)

ACCESS = SourceAccess(max_pixels=1000, max_streams=8, threads=3)
ENCODE = Encode(
    stream_indexes=(2, 0),
    codec_arguments=("-c:v", "libx264"),
    muxer="mp4",
    output_name="output.mp4",
    threads=3,
    max_seconds=12.5,
    strict=True,
)


def pairs(arguments: list[str], option: str) -> list[str]:
    return [arguments[i + 1] for i, word in enumerate(arguments) if word == option]


def test_every_command_guards_its_input_when_it_opens_one() -> None:
    for arguments in (
        inspect_arguments(ACCESS),
        scan_arguments(ACCESS, 0),
        probe_arguments(ACCESS),
        check_arguments(ACCESS, has_video=True),
        encode_arguments(ACCESS, ENCODE),
    ):
        before = arguments[: arguments.index("-i")]
        assert arguments.count("-i") == 1
        assert arguments[arguments.index("-i") + 1] == "file:input"
        assert pairs(before, "-protocol_whitelist") == ["file,pipe"]
        assert pairs(before, "-max_pixels") == ["1000"]
        assert pairs(before, "-max_streams") == ["8"]
        assert pairs(before, "-threads") == ["3"]
        formats = pairs(before, "-format_whitelist")[0].split(",")
        assert {"mov", "matroska", "wav", "mp3"} <= set(formats)
        assert not {"hls", "concat", "dash", "sdp", "tty", "image2", "lavfi"} & set(formats)
        assert {"-nostdin", "-y"} <= set(arguments)


def test_streams_are_mapped_in_order_when_encoding() -> None:
    arguments = encode_arguments(ACCESS, ENCODE)
    assert pairs(arguments, "-map") == ["0:2", "0:0"]
    after = arguments[arguments.index("-i") :]
    assert pairs(after, "-threads") == ["3"]
    assert pairs(after, "-t") == ["12.500"]
    assert arguments[-1] == "file:output.mp4"
    assert pairs(arguments, "-progress") == ["pipe:3"]


def test_damage_is_tolerated_when_the_encode_is_not_strict() -> None:
    from dataclasses import replace

    assert "-xerror" in encode_arguments(ACCESS, ENCODE)
    assert "-xerror" not in encode_arguments(ACCESS, replace(ENCODE, strict=False))


def test_key_pictures_are_not_asked_for_when_there_are_no_pictures() -> None:
    assert "-skip_frame:v" in check_arguments(ACCESS, has_video=True)
    assert "-skip_frame:v" not in check_arguments(ACCESS, has_video=False)
