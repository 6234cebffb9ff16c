"""For every metric of the catalog: how to make it, clips to show it, and its value by somebody else's code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import piq
import scipy.linalg
import scipy.spatial.distance
import skimage.metrics
import torch
import torchmetrics.functional as reference
import torchmetrics.functional.image as reference_image
from torch import Tensor

from thm_torchmetrics import catalog
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.core.metric import TalkingHeadMetric

ClipInputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Case:
    """One metric in one configuration.

    Attributes:
        key: ``key`` or ``key:protocol``.
        clips: arguments of ``update``, clip by clip; clip 0 has ``preds == target``, all differ in length.
        reference: the value over clips, by code that is not ours.
        options: further options of the constructor.
        tolerance: relative, of the value against the reference.
    """

    key: str
    clips: list[ClipInputs]
    reference: Callable[[list[ClipInputs]], float]
    options: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-5

    def make(self, **options: Any) -> TalkingHeadMetric:
        choice = catalog.find_choice(self.key)
        return metric_class(choice.row)(protocol=choice.protocol, **self.options, **options)

    @property
    def name(self) -> str:
        return " ".join([self.key, *(f"{k}={v}" for k, v in self.options.items())])


def _frames(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 9, 9, generator=generator) * 255
    smooth = torch.nn.functional.interpolate(coarse, (72, 80), mode="bilinear")
    return (smooth + torch.randn(smooth.shape, generator=generator) * 12).clamp(0, 255).to(torch.uint8)


def _videos() -> list[ClipInputs]:
    clips: list[ClipInputs] = [{"preds": _frames(0, 4), "target": _frames(0, 4)}]
    for seed, count in ((1, 5), (2, 1), (3, 9)):
        target = _frames(seed, count)
        noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(seed + 100)) * 15
        clips.append({"preds": (target + noise).clamp(0, 255).to(torch.uint8), "target": target})
    return clips


def _intensities() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(7)
    clips: list[ClipInputs] = []
    for count in (4, 5, 1, 9):
        target = torch.rand(count, 17, generator=generator, dtype=torch.float64) * 5
        preds = target + torch.randn(count, 17, generator=generator, dtype=torch.float64) * bool(clips)
        clips.append({"preds_au": preds, "target_au": target})
    clips[3]["preds_au"][2] = torch.nan  # a frame without a face
    return clips


class MeanDistance(torch.nn.Module):
    """A stand-in for a network that compares frames."""

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        return (preds - target).abs().mean(dim=(1, 2, 3))


def _mean_distance(preds: Tensor, target: Tensor) -> float:
    return (_unit(preds) - _unit(target)).abs().mean().item()


def _feature_rows(width: int) -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(11)
    clips: list[ClipInputs] = []
    for count in (6, 7, 5, 9):
        target = torch.randn(count, width, generator=generator, dtype=torch.float64)
        preds = 1.5 * target + torch.randn(count, width, generator=generator, dtype=torch.float64) + 0.5
        clips.append({"preds": preds if clips else target, "target": target})
    return clips


def _fid(clips: list[ClipInputs]) -> float:
    sides = [np.concatenate([clip[side].numpy() for clip in clips]) for side in ("preds", "target")]
    (m1, c1), (m2, c2) = ((side.mean(axis=0), np.cov(side, rowvar=False)) for side in sides)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float(((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * root.real))


def _frame_mean(per_frame: Callable[[Tensor, Tensor], float]) -> Callable[[list[ClipInputs]], float]:
    def value(clips: list[ClipInputs]) -> float:
        pairs = [pair for clip in clips for pair in zip(clip["preds"], clip["target"], strict=True)]
        return float(np.mean([per_frame(preds, target) for preds, target in pairs]))

    return value


def _clip_mean(value: Callable[[list[ClipInputs]], float]) -> Callable[[list[ClipInputs]], float]:
    return lambda clips: float(np.mean([value([clip]) for clip in clips]))


def _unit(frame: Tensor) -> Tensor:
    return frame[None].to(torch.float64) / 255


def _psnr_piq(preds: Tensor, target: Tensor) -> float:
    return piq.psnr(_unit(preds), _unit(target)).item()


def _psnr_global(clips: list[ClipInputs]) -> float:
    preds, target = (torch.cat([clip[side] for clip in clips]).double() / 255 for side in ("preds", "target"))
    return reference_image.peak_signal_noise_ratio(preds, target, data_range=1.0).item()


def _ssim_piq(preds: Tensor, target: Tensor) -> float:
    return piq.ssim(_unit(preds), _unit(target)).item()


def _ssim_torchmetrics(preds: Tensor, target: Tensor) -> float:
    return reference_image.structural_similarity_index_measure(_unit(preds), _unit(target), data_range=1.0).item()


def _ssim_skimage(preds: Tensor, target: Tensor) -> float:
    a, b = (frame.numpy().astype(np.float64) for frame in (preds, target))
    return float(skimage.metrics.structural_similarity(a, b, channel_axis=0, data_range=255))


def _cpbd(preds: Tensor, target: Tensor) -> float:
    import cv2
    import scipy.ndimage

    scipy.ndimage.imread = None  # the package imports a name that SciPy dropped and never uses it
    import cpbd

    return float(cpbd.compute(cv2.cvtColor(preds.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY)))


_AU_LOWER = [7, 8, 9, 10, 11, 12, 13, 14, 15]
_AU_UPPER = [0, 1, 2, 3, 4, 5, 6, 16]


def _landmarks() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(5)
    clips: list[ClipInputs] = []
    for count in (4, 5, 1, 9):
        target = 100 + 20 * torch.randn(count, 68, 2, generator=generator, dtype=torch.float64)
        preds = target + 3 * torch.randn(count, 68, 2, generator=generator, dtype=torch.float64) * bool(clips)
        clips.append({"preds": preds, "target": target})
    clips[1]["preds"][3] = torch.nan  # a face missed in the prediction
    clips[3]["target"][0] = torch.nan  # no face to be found
    return clips


def _per_landmark_frame(per_frame: Callable[[Any, Any], Any]) -> Callable[[list[ClipInputs]], float]:
    """The mean over frames with a face on both sides, frame by frame in NumPy."""

    def value(clips: list[ClipInputs]) -> float:
        pairs = [pair for clip in clips for pair in zip(clip["preds"].numpy(), clip["target"].numpy(), strict=True)]
        return float(np.mean([per_frame(p, t) for p, t in pairs if not (np.isnan(p).any() or np.isnan(t).any())]))

    return value


def _centered(points: Any) -> Any:
    return points - points.mean(axis=0)


def _mean_point_distance(first: int, last: int) -> Callable[[Any, Any], Any]:
    return lambda p, t: np.linalg.norm(_centered(p[first:last]) - _centered(t[first:last]), axis=1).mean()


def _coordinate_distance(first: int, last: int) -> Callable[[Any, Any], Any]:
    return lambda p, t: np.abs(p[first:last] - t[first:last]).mean()


def _missed(clips: list[ClipInputs]) -> float:
    missed = [
        np.isnan(p).any()
        for clip in clips
        for p, t in zip(clip["preds"].numpy(), clip["target"].numpy(), strict=True)
        if not np.isnan(t).any()
    ]
    return float(np.mean(missed))


def _aue(units: list[int], reduce: Callable[[Any], Any] = np.sum) -> Callable[[list[ClipInputs]], float]:
    def value(clips: list[ClipInputs]) -> float:
        preds, target = (np.concatenate([clip[side].numpy() for clip in clips]) for side in ("preds_au", "target_au"))
        return float(reduce(np.nanmean((preds - target) ** 2, axis=0)[units]))

    return value


def _cases() -> list[Case]:
    videos, units = _videos(), _intensities()
    everything = sorted(_AU_LOWER + _AU_UPPER)
    return [
        Case("psnr", videos, _frame_mean(_psnr_piq)),
        Case("psnr", videos, _clip_mean(_frame_mean(_psnr_piq)), {"average": "clip"}),
        Case("psnr:global-mse", videos, _psnr_global),
        Case("ssim", videos, _frame_mean(_ssim_piq)),
        Case("ssim:torchmetrics", videos, _frame_mean(_ssim_torchmetrics)),
        Case("ssim:skimage", videos, _frame_mean(_ssim_skimage)),
        Case("cpbd", videos, _frame_mean(_cpbd)),
        Case("lpips", videos, _frame_mean(_mean_distance), {"extractor": MeanDistance()}),
        Case("fid", _feature_rows(2), _fid, {"extractor": None, "num_features": 2}),
        *_landmark_cases(),
        *_identity_cases(),
        *_lip_sync_cases(),
        *_emotion_cases(),
        *_face3d_cases(),
        Case("aue", units, _aue(everything)),
        Case("aue-u", units, _aue(_AU_UPPER)),
        Case("aue-l", units, _aue(_AU_LOWER)),
        Case("aue-l:mean", units, _aue(_AU_LOWER, np.mean)),
        Case("aue-l", units, _clip_mean(_aue(_AU_LOWER)), {"average": "clip"}),
    ]


def _landmark_cases() -> list[Case]:
    clips, given = _landmarks(), {"extractor": None}
    lips = _per_landmark_frame(_mean_point_distance(48, 68))
    return [
        Case("lmd", clips, lips, given),
        Case("lmd:vico", clips, _per_landmark_frame(_coordinate_distance(48, 68)), given),
        Case("lmd:atvg", clips, lambda shown: 20 * lips(shown), given),
        Case("lmd:eat-m", clips, _clip_mean(lips), given),
        Case("lmd:eat-f", clips, _clip_mean(_per_landmark_frame(_mean_point_distance(0, 68))), given),
        Case("akd", clips, _per_landmark_frame(_coordinate_distance(0, 68)), given),
        Case("mkr", clips, _missed, given),
    ]


def _embeddings() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(23)
    clips: list[ClipInputs] = []
    for count in (4, 5, 1, 9):
        target = torch.randn(count, 8, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, 8, generator=generator, dtype=torch.float64)
        clips.append({"preds": 3 * target + noise * bool(clips), "target": target.clone()})
    clips[0]["preds"] = clips[0]["target"]
    clips[3]["target"][0] = torch.nan  # no face at first
    clips[3]["preds"][[1, 2]] = torch.nan
    return clips


def _per_row(of: Callable[[Any, Any], float]) -> Callable[[list[ClipInputs]], float]:
    """Mean over the frames with a face on both sides."""

    def value(clips: list[ClipInputs]) -> float:
        rows = [pair for clip in clips for pair in zip(clip["preds"].numpy(), clip["target"].numpy(), strict=True)]
        return float(np.mean([of(a, b) for a, b in rows if not np.isnan(a + b).any()]))

    return value


def _cosine(a: Any, b: Any) -> float:
    return float(1 - scipy.spatial.distance.cosine(a, b))


def _identity_distance(a: Any, b: Any) -> float:
    return float(((a / np.sqrt((a**2).sum()) - b / np.sqrt((b**2).sum())) ** 2).sum())


def _to_first(side: str) -> Callable[[list[ClipInputs]], float]:
    def value(clips: list[ClipInputs]) -> float:
        cosines = []
        for clip in clips:
            identity = next(row for row in clip[side].numpy() if not np.isnan(row).any())
            cosines += [_cosine(row, identity) for row in clip["preds"].numpy() if not np.isnan(row).any()]
        return float(np.mean(cosines))

    return value


def _identity_cases() -> list[Case]:
    clips, given = _embeddings(), {"extractor": None}
    alone = [{"preds": clip["preds"]} for clip in clips]
    return [
        Case("csim", clips, _per_row(_cosine), given),
        Case("csim", clips, _clip_mean(_per_row(_cosine)), given | {"average": "clip"}),
        Case("csim", clips, _to_first("target"), given | {"reference": "target-first"}),
        Case("csim", alone, _to_first("preds"), given | {"reference": "preds-first"}),
        Case("aed-id", clips, _per_row(_identity_distance), given),
        Case("esd", clips, _per_row(scipy.spatial.distance.cosine), given),
        Case("esd:l2", clips, _per_row(scipy.spatial.distance.euclidean), given),
    ]


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


_AFFECT_STATISTICS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "rmse": lambda preds, target: reference.mean_squared_error(preds, target, squared=False),
    "sagr": lambda preds, target: torch.tensor(np.mean(np.sign(preds.numpy()) == np.sign(target.numpy()))),
    "pcc": reference.pearson_corrcoef,
    "ccc": _concordance,
}


def _affect(column: int, statistic: str) -> Callable[[list[ClipInputs]], float]:
    def value(clips: list[ClipInputs]) -> float:
        preds, target = (torch.cat([clip[side] for clip in clips]) for side in ("preds", "target"))
        faces = ~(preds + target).isnan().any(dim=1)
        sides = (side[faces, column].clamp(-1, 1) for side in (preds, target))
        return float(_AFFECT_STATISTICS[statistic](*sides))

    return value


def _emotion_cases() -> list[Case]:
    clips, given = _affects(), {"extractor": None}
    keys = [(f"{'va'[column]}-{name}", _affect(column, name)) for column in (0, 1) for name in _AFFECT_STATISTICS]
    return [
        *(Case(key, clips, of, given) for key, of in keys),
        *(Case(key, clips, _clip_mean(of), given | {"average": "clip"}) for key, of in keys[3:5]),
    ]


def _coefficients() -> list[ClipInputs]:
    """Long enough for a covariance of 64 dimensions of full rank; frames without a face on one side and on both."""
    generator = torch.Generator().manual_seed(29)
    clips: list[ClipInputs] = []
    for count in (70, 75, 66, 90):
        target = torch.randn(count, 257, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, 257, generator=generator, dtype=torch.float64)
        clips.append({"preds": 0.7 * target + 0.4 * noise + 0.2 if clips else target, "target": target})
    clips[1]["preds"][[0, 7]] = torch.nan
    clips[3]["target"][[7, 8]] = torch.nan
    return clips


def _absolute(columns: list[int]) -> Callable[[Any, Any], float]:
    return lambda a, b: float(sum(abs(a[k] - b[k]) for k in columns) / len(columns))


def _expression_fid(clips: list[ClipInputs]) -> float:
    rows = [{side: value[~value.isnan().any(dim=1)] for side, value in clip.items()} for clip in clips]
    return _fid([{side: value[:, 80:144] for side, value in clip.items()} for clip in rows])


def _face3d_cases() -> list[Case]:
    clips, given = _coefficients(), {"extractor": None}
    expression, angles = _absolute(list(range(80, 144))), _absolute([224, 225, 226])
    pose = _absolute([224, 225, 226, 254, 255, 256])
    return [
        Case("aed", clips, _clip_mean(_per_row(expression)), given),
        Case("aed:vico", clips, _per_row(expression), given),
        Case("apd", clips, _clip_mean(_per_row(angles)), given),
        Case("apd", clips, _per_row(angles), given | {"average": "frame"}),
        Case("apd:vico", clips, _per_row(pose), given),
        Case("e-fid", clips, _expression_fid, given),
    ]


def _speech() -> list[ClipInputs]:
    """Lip and audio embeddings; the audio comes some frames late or early."""
    generator = torch.Generator().manual_seed(31)
    clips: list[ClipInputs] = []
    for count, late in ((4, 0), (21, 3), (1, 0), (47, -2)):
        audio = torch.randn(count, 6, generator=generator, dtype=torch.float64) * 3
        noise = torch.randn(count, 6, generator=generator, dtype=torch.float64) * bool(clips)
        clips.append({"preds": audio.roll(-late, dims=0) + noise, "audio": audio})
    clips[0]["preds"] = clips[0]["audio"]
    return clips


def _lip_sync(reading: int, vshift: int = 15) -> Callable[[list[ClipInputs]], float]:
    """Window by window, shift by shift, as SyncNet's evaluation is described: LSE-D, LSE-C or |offset|, clip mean."""

    def readings(clip: ClipInputs) -> tuple[float, float, int]:
        lip, audio = clip["preds"].numpy(), clip["audio"].numpy()
        rows = dict(enumerate(audio))
        nothing = np.zeros(audio.shape[1])
        curve = []
        for shift in range(-vshift, vshift + 1):
            gaps = [x - rows.get(i + shift, nothing) + 1e-6 for i, x in enumerate(lip)]
            curve.append(np.mean([np.sqrt((gap**2).sum()) for gap in gaps]))
        lowest = int(np.argmin(curve))
        return curve[lowest], float(np.median(curve) - curve[lowest]), abs(vshift - lowest)

    return lambda clips: float(np.mean([readings(clip)[reading] for clip in clips]))


def _lip_sync_cases() -> list[Case]:
    clips, given = _speech(), {"extractor": None}
    return [
        *(Case(key, clips, _lip_sync(i), given) for i, key in enumerate(("lse-d", "lse-c", "av-offset"))),
        *(Case(f"lse-d:{name}", clips, _lip_sync(0), given) for name in ("syncnet-python", "wav2lip-lrs")),
        Case("lse-c", clips, _lip_sync(1, 10), given | {"vshift": 10}),
    ]


CASES: dict[str, Case] = {case.name: case for case in _cases()}
"""Every case by name; processes find theirs by it."""
