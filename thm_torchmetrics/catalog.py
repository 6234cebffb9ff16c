"""One row per metric: everything that can be said of it without importing torch.

The metric classes read their constants from here, the command line lists it, the collection builds from it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.core.metric import TalkingHeadMetric


@dataclass(frozen=True)
class Row:
    """What is known of one metric.

    Attributes:
        key: the short name used on the command line, in tables and in collections.
        name: the class, in module ``thm_torchmetrics.metrics.<module>``.
        module: the module of the class.
        title: the metric's name in one phrase.
        higher_is_better: direction.
        unit: unit of the value, empty for a pure number.
        low: the smallest possible value.
        high: the largest possible value.
        inputs: what ``update`` needs, by argument name.
        protocols: the published procedures that it follows, default first.
        clip_average: the protocols whose own average is the mean of clip means, not of all frames.
        extractors: the networks that can feed it, default first; empty if it needs none.
        weights: checkpoints that are needed: by protocol, by extractor, or by ``protocol:extractor``.
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
    weights: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def arrow(self) -> str:
        """``↑`` or ``↓``."""
        return "↑" if self.higher_is_better else "↓"

    def load(self) -> type[TalkingHeadMetric]:
        """The metric's class (this imports torch)."""
        module = importlib.import_module(f"thm_torchmetrics.metrics.{self.module}")
        metric: type[TalkingHeadMetric] = getattr(module, self.name)
        return metric


_BOTH = ("preds", "target")
_UNITS = ("preds_au", "target_au")
_SOUND = ("preds", "audio")
_LIP_SYNC = ("tracked", "syncnet-python", "wav2lip-lrs", "wav2lip-lrs-jpeg")
_SYNCNET = {"syncnet": ("syncnet",), "tracked": ("s3fd",), "syncnet-python": ("s3fd",)}
_LANDMARKS = {"fan": ("fan2d", "fan-s3fd"), "dlib": ("dlib-68",)}

_ARCFACE = ("arcface-r100", "arcface-r50", "arcface-r18")
_RECOGNITION = (*_ARCFACE, "insightface", "dlib")
_IDENTITY: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in _ARCFACE},
    "insightface": ("buffalo_l",),
    "dlib": ("dlib-68", "dlib-resnet"),
}
_EMOTION = ("emonet8", "emonet5")
_EMONET: dict[str, tuple[str, ...]] = {name: (name,) for name in _EMOTION}


_DEEP3D = ("deep3d", "deep3d-2023")
_DEEP3D_FILES = {name: (name, "fan2d", "fan-s3fd") for name in _DEEP3D}


def _with_fan(protocol: str, extractors: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The networks that find the face, where this protocol needs them."""
    return {f"{protocol}:{name}": ("fan2d", "fan-s3fd") for name in extractors}


def _affect(key: str, name: str, title: str, higher_is_better: bool, low: float, high: float) -> tuple[Row, Row]:
    """The rows of one statistic of valence and of arousal."""
    valence, arousal = (
        Row(
            f"{series[0]}-{key}", f"{series.title()}{name}", "expression", f"{title} of {series}",
            higher_is_better, "", low, high, _BOTH, ("face", "thm"), extractors=_EMOTION,
            weights=_EMONET | _with_fan("face", _EMOTION),
        )
        for series in ("valence", "arousal")
    )  # fmt: skip
    return valence, arousal


_ROWS = (
    Row(
        "psnr", "PeakSignalNoiseRatio", "visual", "peak signal-to-noise ratio",
        True, "dB", 0.0, inf, _BOTH, ("piq", "global-mse"),
    ),
    Row(
        "ssim", "StructuralSimilarity", "visual", "structural similarity",
        True, "", -1.0, 1.0, _BOTH, ("piq", "torchmetrics", "skimage"),
    ),
    Row(
        "cpbd", "BlurDetectionProbability", "visual", "cumulative probability of blur detection (sharpness)",
        True, "", 0.0, 1.0, ("preds",), ("python-cpbd",),
    ),
    Row(
        "lpips", "LearnedPerceptualSimilarity", "perceptual", "learned perceptual image patch similarity",
        False, "", 0.0, inf, _BOTH, ("alex", "vgg", "squeeze"), extractors=("lpips",),
        weights={"alex": ("alexnet",), "vgg": ("vgg16",), "squeeze": ("squeezenet1_1",)},
    ),
    Row(
        "fid", "FrechetInceptionDistance", "perceptual", "Fréchet inception distance",
        False, "", 0.0, inf, _BOTH, ("pytorch-fid", "torch-fidelity"), extractors=("inception",),
        weights={"inception": ("inception-fid",)},
    ),
    Row(
        "lse-d", "LipSyncDistance", "lipsync", "lip-sync error, distance",
        False, "", 0.0, inf, _SOUND, _LIP_SYNC, clip_average=_LIP_SYNC, extractors=("syncnet",), weights=_SYNCNET,
    ),
    Row(
        "lse-c", "LipSyncConfidence", "lipsync", "lip-sync error, confidence",
        True, "", 0.0, inf, _SOUND, _LIP_SYNC, clip_average=_LIP_SYNC, extractors=("syncnet",), weights=_SYNCNET,
    ),
    Row(
        "av-offset", "LipSyncOffset", "lipsync", "mean absolute audio-visual offset",
        False, "frames", 0.0, inf, _SOUND, _LIP_SYNC, clip_average=_LIP_SYNC, extractors=("syncnet",),
        weights=_SYNCNET,
    ),
    Row(
        "lmd", "LandmarkDistance", "landmarks", "landmark distance of the lips",
        False, "px", 0.0, inf, _BOTH, ("instag", "vico", "atvg", "eat-m", "eat-f"), clip_average=("eat-m", "eat-f"),
        extractors=("fan", "dlib"), weights=_LANDMARKS,
    ),
    Row(
        "akd", "AverageKeypointDistance", "landmarks", "average keypoint distance of the face",
        False, "px", 0.0, inf, _BOTH, ("fomm",), extractors=("fan", "dlib"), weights=_LANDMARKS,
    ),
    Row(
        "mkr", "MissingKeypointRate", "landmarks", "missing keypoint rate (missed faces)",
        False, "", 0.0, 1.0, _BOTH, ("fomm",), extractors=("fan", "dlib"), weights=_LANDMARKS,
    ),
    Row(
        "csim", "IdentitySimilarity", "identity", "cosine similarity of identity embeddings",
        True, "", -1.0, 1.0, _BOTH, ("aligned", "vico"), extractors=_RECOGNITION,
        weights=_IDENTITY | _with_fan("aligned", _ARCFACE),
    ),
    Row(
        "aed-id", "AverageEuclideanDistance", "identity", "average Euclidean distance of identity embeddings (FOMM)",
        False, "", 0.0, 4.0, _BOTH, ("fomm", "aligned"), extractors=_RECOGNITION,
        weights=_IDENTITY | _with_fan("aligned", _ARCFACE),
    ),
    Row(
        "esd", "EmotionSimilarityDistance", "expression", "emotion similarity distance (this package's reading)",
        False, "", 0.0, inf, _BOTH, ("cosine", "l2"), extractors=_EMOTION,
        weights=_EMONET | _with_fan("cosine", _EMOTION) | _with_fan("l2", _EMOTION),
    ),
    *_affect("rmse", "Error", "root mean squared error", False, 0.0, 2.0),
    *_affect("sagr", "SignAgreement", "sign agreement", True, 0.0, 1.0),
    *_affect("pcc", "Correlation", "Pearson's correlation", True, -1.0, 1.0),
    *_affect("ccc", "Concordance", "Lin's concordance correlation", True, -1.0, 1.0),
    Row(
        "aed", "AverageExpressionDistance", "face3d", "average expression distance (3-D face coefficients)",
        False, "", 0.0, inf, _BOTH, ("styleheat", "vico"), clip_average=("styleheat",), extractors=_DEEP3D,
        weights=_DEEP3D_FILES,
    ),
    Row(
        "apd", "AveragePoseDistance", "face3d", "average pose distance (3-D face coefficients)",
        False, "", 0.0, inf, _BOTH, ("styleheat", "vico"), clip_average=("styleheat",), extractors=_DEEP3D,
        weights=_DEEP3D_FILES,
    ),
    Row(
        "e-fid", "ExpressionFrechetDistance", "face3d", "Fréchet distance of expressions (3-D face coefficients)",
        False, "", 0.0, inf, _BOTH, ("emo",), extractors=_DEEP3D, weights=_DEEP3D_FILES,
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
"""Sets of metrics and protocols: as a family of papers reports them; what runs without a download; all."""


@dataclass(frozen=True)
class Choice:
    """A metric and a protocol, as ``key`` or ``key:protocol`` asks for them."""

    text: str
    row: Row = field(repr=False)
    protocol: str

    def weights(self, extractor: str | None = None) -> tuple[str, ...]:
        """Names of the checkpoints that the metric needs with an extractor, its default if none is named."""
        extractor = extractor or (self.row.extractors[0] if self.row.extractors else "")
        keys = (self.protocol, extractor, f"{self.protocol}:{extractor}")
        return tuple(name for key in keys for name in self.row.weights.get(key, ()))


def find(key: str) -> Row:
    """The row of a metric.

    Raises:
        InputError: if there is none; the message suggests the nearest key.
    """
    if key not in CATALOG:
        raise InputError(f"unknown metric {key!r}{_suggest(key, CATALOG)}; `thm list` shows all")
    return CATALOG[key]


def choose(text: str) -> Choice:
    """``psnr`` or ``ssim:skimage`` as a row and a protocol.

    Raises:
        InputError: if the metric or the protocol is unknown.
    """
    key, _, protocol = text.partition(":")
    row = find(key)
    if protocol and protocol not in row.protocols:
        raise InputError(f"{key} has no protocol {protocol!r}, it has {', '.join(row.protocols)}")
    return Choice(text, row, protocol or row.protocols[0])


def suite(name: str) -> tuple[str, ...]:
    """The members of a suite.

    Raises:
        InputError: if there is no such suite.
    """
    if name not in SUITES:
        raise InputError(f"unknown suite {name!r}{_suggest(name, SUITES)}; there are {', '.join(SUITES)}")
    return SUITES[name]


def _suggest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
