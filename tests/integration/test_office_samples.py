"""Office documents that others have made keep everything but their words."""

from pathlib import Path

import pytest

from tests.integration.office_samples import samples
from tests.unit.translation_worker.formats.office_round_trips import (
    assert_keeps_everything_but_words,
)
from translation_worker.formats.codec import Codec
from translation_worker.formats.docx import DocxCodec
from translation_worker.formats.pptx import PptxCodec


@pytest.mark.parametrize(("codec", "least"), [(DocxCodec(), 20), (PptxCodec(), 20)])
def test_only_words_change_when_real_documents_are_written(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, codec: Codec, least: int
) -> None:
    found = samples(codec.extensions[0], tmp_path_factory)
    assert len(found) >= least
    for path in found:
        assert_keeps_everything_but_words(codec, path, tmp_path)
