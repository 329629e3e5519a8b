"""Office documents that others have made keep everything but their words."""

import shutil
import subprocess
from pathlib import Path

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.integration.office_samples import samples
from tests.unit.translation_worker.formats.office_round_trips import (
    OPTIONS,
    assert_keeps_everything_but_words,
    write_swapped,
)
from translation_worker.document import plain_text
from translation_worker.formats.codec import Codec, DocumentError
from translation_worker.formats.docx import DocxCodec
from translation_worker.formats.odt import OdpCodec, OdtCodec
from translation_worker.formats.pptx import PptxCodec

OFFICE = shutil.which("soffice")


@pytest.mark.parametrize(
    ("codec", "least"), [(DocxCodec(), 20), (PptxCodec(), 20), (OdtCodec(), 10), (OdpCodec(), 2)]
)
def test_only_words_change_when_real_documents_are_written(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, codec: Codec, least: int
) -> None:
    # Old documents name a document type, which is never let through.
    found = [
        path for path in samples(codec.extensions[0], tmp_path_factory) if _is_read(codec, path)
    ]
    assert len(found) >= least
    for path in found:
        assert_keeps_everything_but_words(codec, path, tmp_path)


def _is_read(codec: Codec, path: Path) -> bool:
    try:
        codec.read(path, OPTIONS)
    except DocumentError as error:
        if error.reason is not FailureReason.DOCUMENT_REFUSED:
            raise
        return False
    return True


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed: nothing opens the files")
def test_libreoffice_shows_the_new_words_when_it_opens_a_written_document(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    codec = DocxCodec()
    chosen = [
        path
        for path in samples(".docx", tmp_path_factory)
        if path.stat().st_size > 0 and len(codec.read(path, OPTIONS)) > 1
    ]
    for number, path in enumerate(chosen[:5]):
        target = tmp_path / f"written{number}.docx"
        write_swapped(codec, path, target, "pt")
        assert OFFICE is not None
        profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
        arguments = ["--headless", "--convert-to", "txt:Text (encoded):UTF8", "--outdir"]
        subprocess.run(
            [OFFICE, profile, *arguments, str(tmp_path), str(target)],
            check=True,
            capture_output=True,
            timeout=120,
        )
        shown = "".join(target.with_suffix(".txt").read_text("utf-8-sig").split())
        body = [one for one in codec.read(target, OPTIONS) if ":p" in one.segment_id]
        words = [
            "".join(plain_text(one.content).split())
            for one in body
            if one.segment_id.startswith("word/document:")
        ]
        assert words
        assert all(word in shown for word in words if word.isalnum())
