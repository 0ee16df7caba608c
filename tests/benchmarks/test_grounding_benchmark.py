"""On real questions, where they are at hand, the grounded route does what the README says of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from benchmarks.grounding import ask_all, measure
from eval_sets import read_squad
from retriever import Document, Index, upsert
from signalbox.encoder import load_encoder
from signalbox.settings import Settings

DATA = Path(os.environ.get("SIGNALBOX_DATA", "/nowhere")) / "xquad" / "en_dev.json"


@pytest.mark.skipif(not DATA.is_file(), reason="set SIGNALBOX_DATA to a folder with xquad/en_dev.json")
def test_quotes_are_verbatim_and_hold_most_answers(tmp_path: Path, encoder_data: Path) -> None:
    paragraphs, questions = read_squad(DATA)
    encoder = load_encoder(Settings(data_dir=encoder_data))
    upsert([Document.make(p.id, p.text, title=p.title) for p in paragraphs], index_folder=tmp_path, encoder=encoder)
    index = Index.open(tmp_path, encoder)
    result = measure(asyncio.run(ask_all(index, encoder, questions[::10])), index)
    assert result["verbatim"] == 1.0
    # 57 questions; the whole set gives .87, and .77 is two standard errors below
    assert float(str(result["answer_first"])) >= 0.77
    assert float(str(result["answerable_auroc"])) >= 0.9
    assert float(str(result["recall_at_5"])) >= 0.96
