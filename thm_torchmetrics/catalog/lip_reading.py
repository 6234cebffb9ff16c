"""Rows of the metrics of lip reading: transcripts, and features of networks that read lips."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_RATE = Scale(False)
_COSINE = Scale(True, "", -1.0, 1.0)
_EXPERT = "of D. Yaman et al., arXiv 2405.04327, in words: cosine of AV-HuBERT's features, given"


def _synchronization(key: str, name: str, title: str) -> Row:
    """Return the row of one of the three cosines of AV-HuBERT's features."""
    published = (Protocol("av-hubert", f"AVS{key[-1]} {_EXPERT}", "clip"),)
    return Row(key, name, "lip_reading", title, _COSINE, BOTH, published, features_by_default=True)


ROWS = (
    Row(
        "wer", "WordErrorRate", "transcripts", "word error rate of given transcripts", _RATE, BOTH,
        (Protocol("torchmetrics", "WordErrorRate of TorchMetrics: edits per word of all transcripts"),),
        features_by_default=True,
    ),
    Row(
        "cer", "CharacterErrorRate", "transcripts", "character error rate of given transcripts", _RATE, BOTH,
        (Protocol("torchmetrics", "CharErrorRate of TorchMetrics: edits per character of all transcripts"),),
        features_by_default=True,
    ),
    Row(
        "lipscore", "LipScore", "lip_reading", "similarity of features of a lip reader, given", _COSINE, BOTH,
        (
            Protocol(
                "keysync", "evaluation/lipscore.py of A. Bigata et al., KeySync, arXiv 2505.00497: cosine of each "
                "frame", "clip",
            ),
        ),
        features_by_default=True,
    ),
    _synchronization("avs-u", "UnsupervisedSynchronization", "similarity of lips and sound, of given features"),
    _synchronization("avs-m", "MultimodalSynchronization", "similarity of lips with sound to the real, given"),
    _synchronization("avs-v", "VisualSynchronization", "similarity of lips to the real, of given features"),
)  # fmt: skip
