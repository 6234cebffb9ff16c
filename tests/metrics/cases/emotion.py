"""Cases of valence, arousal, ESD and accuracy on given rows: torchmetrics, NumPy and SciPy."""

from collections.abc import Callable

import numpy as np
import scipy.spatial.distance
import scipy.special
import torch
import torchmetrics.functional as reference
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference, clip_mean, face_mean
from metrics.cases.identity import embeddings
from torch import Tensor


def _affects() -> list[ClipInputs]:
    """Valence and arousal, some beyond -1..1."""
    generator = torch.Generator().manual_seed(29)
    clips: list[ClipInputs] = []
    for count in (4, 5, 3, 9):
        target = torch.randn(count, 2, generator=generator, dtype=torch.float64) * 0.7
        noise = torch.randn(count, 2, generator=generator, dtype=torch.float64) * 0.4
        clips.append({"preds": target + noise * bool(clips), "target": target})
    clips[3]["preds"][[2, 4], 0] = torch.nan  # frames without a face
    return clips


def _concordance(preds: Tensor, target: Tensor) -> Tensor:
    x, y = preds.numpy(), target.numpy()
    return torch.tensor(2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


_STATISTICS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "rmse": lambda preds, target: reference.mean_squared_error(preds, target, squared=False),
    "sagr": lambda preds, target: torch.tensor(np.mean(np.sign(preds.numpy()) == np.sign(target.numpy()))),
    "pcc": reference.pearson_corrcoef,
    "ccc": _concordance,
}


def _affect(column: int, statistic: str) -> Reference:
    def value(clips: list[ClipInputs]) -> float:
        preds, target = (torch.cat([clip[side] for clip in clips]) for side in ("preds", "target"))
        faces = ~(preds + target).isnan().any(dim=1)
        sides = (side[faces, column].clamp(-1, 1) for side in (preds, target))
        return float(_STATISTICS[statistic](*sides))

    return value


def _similarity_of_means(clips: list[ClipInputs]) -> float:
    """The cosine of the means of both sides, over the rows that each side has."""
    (clip,) = clips
    sides = (clip[side].numpy() for side in ("preds", "target"))
    means = [side[~np.isnan(side).any(axis=1)].mean(axis=0) for side in sides]
    return 1 - float(scipy.spatial.distance.cosine(*means))


def _labelled() -> list[ClipInputs]:
    """Logits of eight classes with a label per clip; some frames have no face."""
    generator = torch.Generator().manual_seed(30)
    clips: list[ClipInputs] = []
    for count, label in ((4, 1), (5, 6), (3, 1), (9, 0)):
        logits = torch.randn(count, 8, generator=generator, dtype=torch.float64) * 2
        logits[:, label] += len(clips)
        clips.append({"preds": logits, "labels": torch.tensor([label], dtype=torch.float64)})
    clips[3]["preds"][[2, 4]] = torch.nan
    return clips


def _accuracy(top: int, of_frames: bool = False) -> Reference:
    """Torchmetrics' micro-averaged accuracy of SciPy's probabilities."""

    def value(clips: list[ClipInputs]) -> float:
        rows, labels = [], []
        for clip in clips:
            logits = clip["preds"].numpy()
            probabilities = scipy.special.softmax(logits[~np.isnan(logits).any(axis=1)], axis=1)
            rows.append(probabilities if of_frames else probabilities.mean(axis=0, keepdims=True))
            labels += [int(clip["labels"])] * len(rows[-1])
        answers = torch.from_numpy(np.concatenate(rows))
        return float(
            reference.classification.multiclass_accuracy(
                answers, torch.tensor(labels), num_classes=8, average="micro", top_k=top
            )
        )

    return value


_CLIPS = _affects()
_LABELLED = _labelled()
_KEYS = [(f"{'va'[column]}-{name}", _affect(column, name)) for column in (0, 1) for name in _STATISTICS]
_FEATURES = embeddings()

CASES = [
    *(Case(key, _CLIPS, value, GIVEN) for key, value in _KEYS),
    *(Case(key, _CLIPS, clip_mean(value), {**GIVEN, "average": "clip"}) for key, value in _KEYS[3:5]),
    Case("esd", _FEATURES, clip_mean(_similarity_of_means), GIVEN),
    Case("bsd", _FEATURES, clip_mean(_similarity_of_means)),
    Case("esd:cosine", _FEATURES, face_mean(scipy.spatial.distance.cosine), GIVEN),
    Case("emotion-accuracy", _LABELLED, _accuracy(1), GIVEN),
    Case("emotion-accuracy", _LABELLED, _accuracy(1, of_frames=True), {**GIVEN, "average": "frame"}),
    Case("emotion-accuracy:emonet-top3", _LABELLED, _accuracy(3), GIVEN),
    Case("emotion-accuracy:logits", _LABELLED, _accuracy(1)),
    Case("esd:l2", _FEATURES, face_mean(scipy.spatial.distance.euclidean), GIVEN),
]
