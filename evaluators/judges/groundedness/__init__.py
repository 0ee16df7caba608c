"""A judge that needs no cloud and no labels of yours: does what an answer says stand in its passages?

`open_judge` gives one; it scores in milliseconds, names the sentences that lack support, and is the kernel's `Judge`.
Judges that ask a language model are in `evaluators.judges.llm`.
"""

from __future__ import annotations

from pathlib import Path

from evaluators.judges.groundedness.evidence import TokenEncoder
from evaluators.judges.groundedness.features import FEATURES
from evaluators.judges.groundedness.head import Head, fingerprint, fit_head, load_head, save_head, shipped_head
from evaluators.judges.groundedness.judge import GroundednessJudge, SentenceSupport, Support

__all__ = [
    "FEATURES",
    "GroundednessJudge",
    "Head",
    "SentenceSupport",
    "Support",
    "TokenEncoder",
    "fingerprint",
    "fit_head",
    "load_head",
    "open_judge",
    "save_head",
    "shipped_head",
]


def open_judge(encoder: TokenEncoder, *, folder: Path | None = None) -> GroundednessJudge:
    """A judge with the head in `folder`, or with the one that ships with the package.

    Raises:
        NotFound: the folder holds no head.
        CorruptArtefact: the head can't be read.
    """
    return GroundednessJudge(encoder, shipped_head() if folder is None else load_head(folder))
