"""Rows of the metrics of emotion: valence, arousal, ESD, BSD and accuracy."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_EMONET = (("emonet8", "emonet5"), "emotion")
_SURVEY = "L. Chen et al., arXiv 2005.03201, section 4.4 and table 5"


def _affect(series: str, key: str, name: str, title: str, scale: Scale) -> Row:
    """Return the row of one statistic of valence or of arousal."""
    published = (
        Protocol("face", "A. Toisoul et al., Nature Machine Intelligence 2021 (github.com/face-analysis/emonet)"),
        Protocol("thm", "compute_VArmse.py and compute_VAsagr.py of TalkingHeadMetrics"),
    )
    titled = f"{title} of {series}"
    return Row(f"{series[0]}-{key}", f"{series.title()}{name}", "emotion", titled, scale, BOTH, published, *_EMONET)


_AFFECT = tuple(
    _affect(series, *statistic)
    for statistic in (
        ("rmse", "Error", "root mean squared error", Scale(False, "", 0.0, 2.0)),
        ("sagr", "SignAgreement", "sign agreement", Scale(True, "", 0.0, 1.0)),
        ("pcc", "Correlation", "Pearson's correlation", Scale(True, "", -1.0, 1.0)),
        ("ccc", "Concordance", "Lin's concordance correlation", Scale(True, "", -1.0, 1.0)),
    )
    for series in ("valence", "arousal")
)

_COSINE = Scale(True, "", -1.0, 1.0)

ROWS = (
    Row(
        "esd", "EmotionSimilarityDistance", "emotion_similarity", "emotion similarity distance", _COSINE, BOTH,
        (
            Protocol("survey", f"{_SURVEY}; EmoNet in place of its network, which was not released", "clip"),
            Protocol(
                "cosine", "this package's own: 1 - cosine of each pair of frames", scale=Scale(False, "", 0.0, 2.0)
            ),
            Protocol("l2", "this package's own: Euclidean distance of each pair of frames", scale=Scale(False)),
        ),
        *_EMONET,
    ),
    Row(
        "bsd", "BlinkSimilarityDistance", "emotion_similarity", "blink similarity distance, of given features",
        _COSINE, BOTH, (Protocol("survey", _SURVEY, "clip"),),
    ),
    *_AFFECT,
    Row(
        "emotion-accuracy", "EmotionAccuracy", "emotion_accuracy", "share of clips with the intended emotion",
        Scale(True, "", 0.0, 1.0), ("preds", "labels"),
        (
            Protocol("emonet-top1", "the likeliest of EmoNet's expressions, this package's own", "clip"),
            Protocol("emonet-top3", "E-Acc of EmoTalkingGaussian, in words: the first three of EmoNet's 8", "clip"),
            Protocol(
                "logits", "_acc_test.py of github.com/yuangan/evaluation_eat (Y. Gan et al., EAT, ICCV 2023): the "
                "likeliest class, on given logits in place of Emotion-FAN", "clip", {"extractor": None},
            ),
        ),
        *_EMONET,
    ),
)  # fmt: skip
