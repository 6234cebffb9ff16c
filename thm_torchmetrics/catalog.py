"""The catalog holds the facts of every metric, one row each, without importing torch.

The metric classes read their constants from here, the command line lists it, and the collection makes metrics by it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from thm_torchmetrics.errors import InputError


@dataclass(frozen=True)
class Row:
    """A row holds the facts of one metric.

    Attributes:
        key: the short name used on the command line, in tables and in collections.
        name: the class, in module ``thm_torchmetrics.metrics.<module>``.
        module: the module of the class.
        title: the metric's name in one phrase.
        higher_is_better: direction.
        unit: unit of the value, empty for a pure number.
        low: the smallest possible value.
        high: the largest possible value.
        inputs: the arguments that ``update`` needs.
        protocols: the published procedures that it follows, default first.
        clip_average: the protocols whose own average is the mean of clip means, not of all frames.
        extractors: the extractors that can feed it, default first; empty if it needs none.
        extractor_kind: the kind of these extractors in `extractors.EXTRACTORS`, registered ones included.
    """

    key: str
    name: str
    module: str
    title: str
    higher_is_better: bool
    unit: str
    low: float
    high: float
    inputs: tuple[str, ...]
    protocols: tuple[str, ...]
    clip_average: tuple[str, ...] = ()
    extractors: tuple[str, ...] = ()
    extractor_kind: str = ""

    @property
    def arrow(self) -> str:
        """Return ``↑`` where a higher value is better, else ``↓``."""
        return "↑" if self.higher_is_better else "↓"


_BOTH = ("preds", "target")
_UNITS = ("preds_au", "target_au")
_SOUND = ("preds", "audio")
_LIP_SYNC = ("tracked", "syncnet-python", "wav2lip-lrs", "wav2lip-lrs-jpeg")
_ARCFACE = ("arcface-r100", "arcface-r50", "arcface-r18")
_RECOGNITION = (*_ARCFACE, "insightface", "dlib")
_EMOTION = ("emonet8", "emonet5")
_DEEP3D = ("deep3d", "deep3d-2023")


def _affect(series: str, key: str, name: str, title: str, higher_is_better: bool, low: float, high: float) -> Row:
    """Return the row of one statistic of valence or of arousal."""
    return Row(
        f"{series[0]}-{key}", f"{series.title()}{name}", "emotion", f"{title} of {series}",
        higher_is_better, "", low, high, _BOTH, ("face", "thm"), extractors=_EMOTION, extractor_kind="emotion",
    )  # fmt: skip


_AFFECT = tuple(
    _affect(series, *statistic)
    for statistic in (
        ("rmse", "Error", "root mean squared error", False, 0.0, 2.0),
        ("sagr", "SignAgreement", "sign agreement", True, 0.0, 1.0),
        ("pcc", "Correlation", "Pearson's correlation", True, -1.0, 1.0),
        ("ccc", "Concordance", "Lin's concordance correlation", True, -1.0, 1.0),
    )
    for series in ("valence", "arousal")
)

_ROWS = (
    Row(
        "psnr", "PeakSignalNoiseRatio", "image_quality", "peak signal-to-noise ratio",
        True, "dB", 0.0, inf, _BOTH, ("piq", "global-mse"),
    ),
    Row(
        "ssim", "StructuralSimilarity", "image_quality", "structural similarity",
        True, "", -1.0, 1.0, _BOTH, ("piq", "torchmetrics", "skimage"),
    ),
    Row(
        "cpbd", "BlurDetectionProbability", "image_quality", "cumulative probability of blur detection (sharpness)",
        True, "", 0.0, 1.0, ("preds",), ("python-cpbd",),
    ),
    Row(
        "lpips", "LearnedPerceptualSimilarity", "lpips", "learned perceptual image patch similarity",
        False, "", 0.0, inf, _BOTH, ("alex", "vgg", "squeeze"), extractors=("lpips",), extractor_kind="lpips",
    ),
    Row(
        "fid", "FrechetInceptionDistance", "fid", "Fréchet inception distance",
        False, "", 0.0, inf, _BOTH, ("pytorch-fid", "torch-fidelity"),
        extractors=("inception",), extractor_kind="inception",
    ),
    Row(
        "lse-d", "LipSyncDistance", "lipsync", "lip-sync error, distance",
        False, "", 0.0, inf, _SOUND, _LIP_SYNC,
        clip_average=_LIP_SYNC, extractors=("syncnet",), extractor_kind="syncnet",
    ),
    Row(
        "lse-c", "LipSyncConfidence", "lipsync", "lip-sync error, confidence",
        True, "", 0.0, inf, _SOUND, _LIP_SYNC,
        clip_average=_LIP_SYNC, extractors=("syncnet",), extractor_kind="syncnet",
    ),
    Row(
        "av-offset", "LipSyncOffset", "lipsync", "mean absolute audio-visual offset",
        False, "frames", 0.0, inf, _SOUND, _LIP_SYNC,
        clip_average=_LIP_SYNC, extractors=("syncnet",), extractor_kind="syncnet",
    ),
    Row(
        "lmd", "LandmarkDistance", "landmarks", "landmark distance of the lips",
        False, "px", 0.0, inf, _BOTH, ("instag", "vico", "atvg", "eat-m", "eat-f"), clip_average=("eat-m", "eat-f"),
        extractors=("fan", "dlib"), extractor_kind="landmarks",
    ),
    Row(
        "akd", "AverageKeypointDistance", "landmarks", "average keypoint distance of the face",
        False, "px", 0.0, inf, _BOTH, ("fomm",), extractors=("fan", "dlib"), extractor_kind="landmarks",
    ),
    Row(
        "mkr", "MissingKeypointRate", "landmarks", "missing keypoint rate (missed faces)",
        False, "", 0.0, 1.0, _BOTH, ("fomm",), extractors=("fan", "dlib"), extractor_kind="landmarks",
    ),
    Row(
        "csim", "IdentitySimilarity", "identity", "cosine similarity of identity embeddings",
        True, "", -1.0, 1.0, _BOTH, ("aligned", "vico"),
        extractors=_RECOGNITION, extractor_kind="identity",
    ),
    Row(
        "aed-id", "AverageEuclideanDistance", "identity", "average Euclidean distance of identity embeddings (FOMM)",
        False, "", 0.0, 4.0, _BOTH, ("fomm", "aligned"),
        extractors=_RECOGNITION, extractor_kind="identity",
    ),
    Row(
        "esd", "EmotionSimilarityDistance", "emotion", "emotion similarity distance (this package's reading)",
        False, "", 0.0, inf, _BOTH, ("cosine", "l2"), extractors=_EMOTION, extractor_kind="emotion",
    ),
    *_AFFECT,
    Row(
        "aed", "AverageExpressionDistance", "face3d", "average expression distance (3-D face coefficients)",
        False, "", 0.0, inf, _BOTH, ("styleheat", "vico"),
        clip_average=("styleheat",), extractors=_DEEP3D, extractor_kind="face3d",
    ),
    Row(
        "apd", "AveragePoseDistance", "face3d", "average pose distance (3-D face coefficients)",
        False, "", 0.0, inf, _BOTH, ("styleheat", "vico"),
        clip_average=("styleheat",), extractors=_DEEP3D, extractor_kind="face3d",
    ),
    Row(
        "e-fid", "ExpressionFrechetDistance", "face3d", "Fréchet distance of expressions (3-D face coefficients)",
        False, "", 0.0, inf, _BOTH, ("emo",),
        extractors=_DEEP3D, extractor_kind="face3d",
    ),
    Row(
        "aue-u", "ActionUnitErrorUpper", "action_units", "action unit error, upper face",
        False, "AU²", 0.0, 25.0 * 8, _UNITS, ("talkinggaussian", "mean"),
    ),
    Row(
        "aue-l", "ActionUnitErrorLower", "action_units", "action unit error, lower face",
        False, "AU²", 0.0, 25.0 * 9, _UNITS, ("talkinggaussian", "mean"),
    ),
    Row(
        "aue", "ActionUnitError", "action_units", "action unit error, whole face",
        False, "AU²", 0.0, 25.0 * 17, _UNITS, ("talkinggaussian", "mean"),
    ),
)  # fmt: skip

CATALOG: Mapping[str, Row] = {row.key: row for row in _ROWS}
"""Every metric by key, in the order in which tables show them."""

SUITES: Mapping[str, tuple[str, ...]] = {
    "thm": (
        "psnr", "ssim", "cpbd", "lpips", "fid", "lmd:vico", "csim:vico", "v-rmse:thm", "a-rmse:thm", "v-sagr:thm",
        "a-sagr:thm", "lse-d", "lse-c", "aue-u", "aue-l",
    ),
    "talkinggaussian": ("psnr", "lpips", "lmd", "lse-c:syncnet-python", "aue-u", "aue-l"),
    "wav2lip": ("lse-d:wav2lip-lrs-jpeg", "lse-c:wav2lip-lrs-jpeg", "fid"),
    "vico": (
        "psnr", "ssim", "cpbd", "fid", "lmd:vico", "csim:vico", "aed:vico", "apd:vico", "lse-c:syncnet-python",
        "av-offset:syncnet-python",
    ),
    "fomm": ("akd", "mkr", "aed-id"),
    "styleheat": ("lpips", "fid", "csim", "aed", "apd"),
    "offline": ("psnr", "ssim", "cpbd", "lmd", "akd", "mkr", "csim", "aed-id:aligned", "aue-u", "aue-l", "aue"),
    "all": tuple(CATALOG),
}  # fmt: skip
"""Sets of metrics with their protocols: those of a family of papers, those that run without a download, all."""


@dataclass(frozen=True)
class Choice:
    """A choice names a metric and one of its protocols, as ``key``, ``key:protocol`` or ``key-protocol``.

    Attributes:
        text: the name as it was spelled.
        row: the metric's row.
        protocol: the protocol, the row's first if none was named.
        name: ``key`` or ``key:protocol``, however it was spelled.
    """

    text: str
    row: Row = field(repr=False)
    protocol: str
    name: str


def find_row(key: str) -> Row:
    """Return the row of a metric.

    Raises:
        InputError: if there is none; the message suggests the nearest key.
    """
    if key not in CATALOG:
        raise InputError(f"unknown metric {key!r}{_suggest(key, CATALOG)}; `thm list` shows all")
    return CATALOG[key]


def find_choice(text: str) -> Choice:
    """Return the row and the protocol of ``psnr``, ``ssim:skimage`` or ``ssim-skimage``.

    The last is for names that must not hold a colon, such as those of loggers and files.

    Raises:
        InputError: if the metric or the protocol is unknown.

    Example:
        >>> find_choice("lse-d-wav2lip-lrs").name
        'lse-d:wav2lip-lrs'
    """
    key, _, protocol = text.partition(":")
    if key == text and text not in CATALOG:
        spelled = ((row.key, each) for row in _ROWS for each in row.protocols if text == f"{row.key}-{each}")
        key, protocol = next(spelled, (text, ""))
    row = find_row(key)
    if protocol and protocol not in row.protocols:
        raise InputError(f"{key} has no protocol {protocol!r}, it has {', '.join(row.protocols)}")
    return Choice(text, row, protocol or row.protocols[0], f"{key}:{protocol}" if protocol else key)


def values_by_metric(value: object) -> dict[str, Any] | None:
    """Return the values that an option gives to single metrics, however these are spelled.

    Args:
        value: the option, such as ``{"ssim-skimage": "clip"}``.

    Returns:
        The values by `Choice.name`; None if the option is no dict by metric, but one value for all.
    """
    if not isinstance(value, Mapping):
        return None
    try:
        return {find_choice(str(key)).name: each for key, each in value.items()}
    except InputError:
        return None


def find_suite(name: str) -> tuple[str, ...]:
    """Return the members of a suite.

    Raises:
        InputError: if there is no such suite.
    """
    if name not in SUITES:
        raise InputError(f"unknown suite {name!r}{_suggest(name, SUITES)}; there are {', '.join(SUITES)}")
    return SUITES[name]


def _suggest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
