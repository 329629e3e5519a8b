"""A transcode's spec between JSON and the contract."""

import pytest
from pydantic import ValidationError

from babelmill.jobs.v1 import job_pb2
from babelmill.media.v1.media_pb2 import TranscodeOptions, TranscodeSpec
from gateway.transcoding import transcodes
from gateway.transcoding.specs import JobSpec, spec_from_proto


def test_options_are_those_of_the_contract() -> None:
    known = set(TranscodeOptions.DESCRIPTOR.fields_by_name)
    assert set(transcodes.TranscodeOptions.model_fields) == known


def test_spec_comes_out_as_it_came_in() -> None:
    given = {
        "artifact_id": "a",
        "preset": "hls",
        "options": {"heights": [720, 480], "segment_seconds": 2.5, "without_audio": True},
    }
    message = transcodes.transcode_to_proto(transcodes.TranscodeSpec.model_validate(given))
    assert message.options == TranscodeOptions(
        heights=[720, 480], segment_seconds=2.5, without_audio=True
    )
    written = spec_from_proto(job_pb2.JobSpec(transcode=message)).model_dump(mode="json")
    assert written["transcode"]["options"]["heights"] == [720, 480]
    assert written["transcode"]["options"]["max_width"] == 0


def test_options_are_left_out_when_none_was_set() -> None:
    message = TranscodeSpec(artifact_id="a", preset="mp3")
    written = transcodes.transcode_from_proto(message).model_dump(mode="json")
    assert "options" not in written


@pytest.mark.parametrize(
    "options",
    [
        {"width": 5},
        {"max_width": 1.5},
        {"max_width": 2**40},
        {"frame_rate": float("nan")},
        {"heights": "720"},
    ],
)
def test_options_are_refused_when_their_shape_is_wrong(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        JobSpec.model_validate({"transcode": {"preset": "mp4-h264", "options": options}})
