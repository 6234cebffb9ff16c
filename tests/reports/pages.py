"""Results of several models with everything that the HTML report shows, for its tests."""

import math
from typing import Any

import numpy as np
from reports.results import metric

from thm_torchmetrics.catalog import find_choice
from thm_torchmetrics.scoring.result import ClipResult, ClipScore, MetricResult, Result
from thm_torchmetrics.scoring.still import Picture, Still

KEYS = ("psnr", "lmd", "cpbd", "lse-d", "aue", "v-rmse", "a-rmse", "fid")
UNITS = ("AU01", "AU04", "AU25")
SERIES = ("v-rmse", "a-rmse")
HOSTILE = "<script>document.title='hacked'</script>\n\"'&%_\\ {{ 7 * 7 }} \u202egpj.4pm\udce9"


def full_result(seed: int, clips: int = 3, frames: int = 30, stills: int = 1, name: str = "clip") -> Result:
    """A result with values of single frames, offsets, action units, real videos and pictures.

    One clip has failed, one metric was skipped.
    """
    rng = np.random.default_rng(seed)
    found = [_clip(f"{name} {number}", frames, stills, rng) for number in range(clips)]
    del found[0].metrics["lmd"]
    found[0].fail(["lmd"], "no face was found")
    found[0].notes.append("the frame rate varies")
    metrics = {key: _total(key, found) for key in KEYS}
    provenance = {
        "command": "thm score DATA", "created": "2026-01-02T03:04:05+00:00", "versions": {"torch": "2.9"},
        "platform": "Linux", "device": "cpu", "weights": {"s3fd": {"sha256": "ab" * 32, "custom": True}}, "every": 2,
    }  # fmt: skip
    return Result(provenance, metrics, found, {"csim": "no checkpoint"}, ["fid: few frames"])


def _clip(name: str, frames: int, stills: int, rng: np.random.Generator) -> ClipResult:
    clip = ClipResult(name)
    for key in KEYS[:-1]:
        values = [rng.uniform(1, 2, frames).round(4).tolist(), [real / frames for real in range(frames)]]
        times = [index / 25 for index in range(frames)]
        series: dict[str, Any] = {"time": times}
        series |= dict(zip(("preds", "target"), values, strict=True)) if key in SERIES else {"value": values[0]}
        detail = {
            "cpbd": {"target": {"value": round(float(rng.uniform(1, 2)), 4)}},
            "lse-d": {"tracks": [{"lse-d": 7.0, "curve": rng.uniform(7, 12, 31).tolist()}]},
            "aue": dict(zip(UNITS, rng.uniform(0, 1, 3).round(4).tolist(), strict=True)),
        }.get(key)
        score = ClipScore(math.fsum(values[0]) / frames, frames, 0, detail, None, None if key == "lse-d" else series)
        clip.metrics[key] = score
    for number in range(stills):
        pixels = rng.integers(0, 256, (90, 160, 3)).astype(np.uint8)
        picture = Picture(pixels, rng.uniform(10, 80, (68, 2)))
        clip.stills.append(Still(number, number / 25, {"psnr": 1.25}, picture, picture, "dlib"))
    return clip


def _total(key: str, clips: list[ClipResult]) -> MetricResult:
    values = [clip.metrics[key].value for clip in clips if key in clip.metrics] or [12.0]
    details: dict[str, Any] = {
        "cpbd": {"target": {"value": 1.5, "clips": len(clips), "coverage": 1.0, "detail": None}},
        "lse-d": {"offsets": {"-1": 1, "0": 2}, "not_scored": {}},
        "aue": dict.fromkeys(UNITS, 0.5),
    }
    mean = math.fsum(value for value in values if value is not None) / len(values)
    higher = find_choice(key).scale.higher_is_better
    return metric(key, mean, clips=len(values), coverage=0.875, higher_is_better=higher, detail=details.get(key))
