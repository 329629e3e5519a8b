"""What a confined process used is counted in the usage of its step."""

from pathlib import Path

import pytest

from babelmill.kit.worker.outcome import StepFailure
from tests.unit.translation_worker.attempts import Bench
from tests.unit.translation_worker.formats.hostile_codecs import SpinningCodec
from tests.unit.translation_worker.sources.web import source_settings
from translation_worker.document_files import DocumentFiles
from translation_worker.formats.codec import CodecOptions
from translation_worker.resource_usage import UsageMeter


def test_seconds_are_counted_when_they_were_spent_in_a_confined_process(tmp_path: Path) -> None:
    files = DocumentFiles(source_settings(tmp_path, confinement_cpu_seconds=1))
    document = tmp_path / "document"
    document.write_text("x")
    attempt = Bench(tmp_path / "bench").attempt
    meter = UsageMeter(files.process_ids)
    with meter, pytest.raises(StepFailure):
        files.read(SpinningCodec(), document, CodecOptions(), attempt)
    assert meter.usage(0, 0).cpu_seconds > 0.7
    assert files.process_ids() == ()
