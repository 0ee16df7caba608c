"""A judge that needs no cloud and no labels of yours: does what an answer says stand in its passages?

`open_judge` gives one; it scores in milliseconds, names the sentences that lack support, and is the kernel's `Judge`.
Judges that ask a language model are in `evaluators.judges.llm`.
"""

from __future__ import annotations

from pathlib import Path

from evaluators.judges.groundedness.evidence import TokenEncoder
from evaluators.judges.groundedness.features import FEATURES
from evaluators.judges.groundedness.head import HEAD, Head, fingerprint, fit_head, load_head, save_head, shipped_head
from evaluators.judges.groundedness.judge import GroundednessJudge, SentenceSupport, Support
from evaluators.judges.groundedness.second import open_second

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
    """A judge with the head that ships with the package, or with what was fitted or trained into `folder`.

    A folder may hold a head of its own (`save_head`), a second reader (`train_judge`), or both.

    Raises:
        NotFound: the folder holds neither.
        CorruptArtefact: what it holds can't be read.
    """
    if folder is None:
        return GroundednessJudge(encoder, shipped_head())
    second = open_second(folder)
    head = shipped_head() if second is not None and not (folder / HEAD).is_file() else load_head(folder)
    return GroundednessJudge(encoder, head, second)
