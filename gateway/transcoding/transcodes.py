"""What a client asks of a transcode, in JSON: the preset and its options.

Shapes and names are those of the contract; see `specs`. Which options a preset
takes, and with what values, is the job service's to judge.
"""

from typing import Annotated, Any

from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field

from babelmill.media.v1 import media_pb2
from gateway.transcoding.segments import Segments, segments_from_proto, segments_to_proto
from gateway.transcoding.words import RequestText

_LARGEST_INT32 = 2**31 - 1
_Whole = Annotated[int, Field(ge=-_LARGEST_INT32, le=_LARGEST_INT32)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class TranscodeOptions(BaseModel):
    """What can be chosen about an output. What is left out, or 0, is the preset's own choice."""

    model_config = ConfigDict(extra="forbid", title="TranscodeOptions")

    max_width: _Whole = Field(default=0, description="In pixels; pictures are only made smaller.")
    max_height: _Whole = Field(default=0, description="In pixels.")
    frame_rate: _Number = Field(default=0, description="Frames per second.")
    quality: _Whole = Field(default=0, description="1, the smallest file, to 100, the best.")
    video_bitrate_kbps: _Whole = Field(default=0, description="Not together with quality.")
    audio_bitrate_kbps: _Whole = Field(default=0, description="Not together with quality.")
    channels: _Whole = Field(default=0, description="1 is mono, 2 is stereo.")
    sample_rate_hz: _Whole = Field(default=0, description="Of the sound.")
    start_seconds: _Number = Field(default=0, description="Where in the input to begin.")
    duration_seconds: _Number = Field(default=0, description="How much to take from there.")
    heights: list[_Whole] = Field(
        default_factory=list, description="Of a package's renditions, in pixels."
    )
    interval_seconds: _Number = Field(
        default=0, description="From one picture of a sprite sheet to the next."
    )
    segment_seconds: _Number = Field(default=0, description="Length of a package's segments.")
    loudness_lufs: _Number = Field(
        default=0, description="Loudness to bring the sound to, by EBU R128, such as -16."
    )
    without_audio: bool = Field(default=False, description="Leaves the sound out.")


class TranscodeSpec(BaseModel):
    """A media file into the form that a preset names."""

    model_config = ConfigDict(extra="forbid", title="TranscodeSpec")

    artifact_id: RequestText = Field(default="", description="The uploaded input.")
    preset: RequestText = Field(
        default="", description="A preset by name, as `GET /v1/presets` lists."
    )
    options: TranscodeOptions | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="As the preset's `options` in `GET /v1/presets` allow.",
    )
    segments: Segments | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="How the video is cut, to be encoded by several workers at once.",
    )


def transcode_to_proto(given: TranscodeSpec) -> media_pb2.TranscodeSpec:
    """Read a spec into its message."""
    message = media_pb2.TranscodeSpec()
    fields = given.model_dump(mode="json", exclude_none=True, exclude={"segments"})
    json_format.ParseDict(fields, message)
    if given.segments is not None:
        message.segments.CopyFrom(segments_to_proto(given.segments))
    return message


def transcode_from_proto(message: media_pb2.TranscodeSpec) -> TranscodeSpec:
    """Write a spec; fields that this edge does not know are left out."""
    fields = _known(TranscodeSpec, message)
    if message.HasField("segments"):
        fields["segments"] = segments_from_proto(message.segments)
    return TranscodeSpec.model_validate(fields)


def _known(model: type[BaseModel], message: media_pb2.TranscodeSpec) -> dict[str, Any]:
    # Any: a JSON document
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    if "options" in fields:
        options = fields["options"]
        fields["options"] = {
            name: value for name, value in options.items() if name in TranscodeOptions.model_fields
        }
    return {name: value for name, value in fields.items() if name in model.model_fields}
