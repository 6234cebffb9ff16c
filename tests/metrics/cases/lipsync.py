"""Cases of lip sync on given embeddings: window by window, shift by shift."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference

Rows: TypeAlias = npt.NDArray[np.float64]


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


def _readings(lip: Rows, audio: Rows, vshift: int = 15) -> tuple[float, float, int]:
    """LSE-D, LSE-C and the signed offset of a clip, as SyncNet's evaluation is described."""
    rows = dict(enumerate(audio))
    nothing = np.zeros(audio.shape[1])
    curve = []
    for shift in range(-vshift, vshift + 1):
        gaps = [x - rows.get(i + shift, nothing) + 1e-6 for i, x in enumerate(lip)]
        curve.append(np.mean([np.sqrt((gap**2).sum()) for gap in gaps]))
    lowest = int(np.argmin(curve))
    return curve[lowest], float(np.median(curve) - curve[lowest]), vshift - lowest


def _reading(which: int, vshift: int = 15) -> Reference:
    """The mean over clips of LSE-D, LSE-C or the absolute offset."""
    return lambda clips: float(
        np.mean([abs(_readings(clip["preds"].numpy(), clip["audio"].numpy(), vshift)[which]) for clip in clips])
    )


def _signed(clips: list[ClipInputs]) -> float:
    """The absolute value of the mean of signed offsets."""
    return abs(float(np.mean([_readings(clip["preds"].numpy(), clip["audio"].numpy())[2] for clip in clips])))


def _pairs() -> list[ClipInputs]:
    """Lip and audio embeddings of generated clips as pairs, and those of real clips, which are in sync."""
    generator = torch.Generator().manual_seed(32)
    clips: list[ClipInputs] = []
    for clip in _CLIPS:
        noise = torch.randn(clip["audio"].shape, generator=generator, dtype=torch.float64)
        ours = torch.stack([clip["preds"], clip["audio"]], dim=1)
        real = torch.stack([clip["audio"] + noise / 2, clip["audio"]], dim=1)
        clips.append({"preds": ours, "target": real if clips else ours})
    return clips


def _gap(which: int) -> Reference:
    """The mean over clips of the absolute difference between generated and real clips."""

    def difference(clip: ClipInputs) -> float:
        ours, real = (_readings(*clip[side].numpy().swapaxes(0, 1))[which] for side in ("preds", "target"))
        return abs(ours - real)

    return lambda clips: float(np.mean([difference(clip) for clip in clips]))


_CLIPS = _speech()
_PAIRS = _pairs()

CASES = [
    *(Case(key, _CLIPS, _reading(i), GIVEN) for i, key in enumerate(("lse-d", "lse-c", "av-offset"))),
    *(Case(f"lse-d:{name}", _CLIPS, _reading(0), GIVEN) for name in ("syncnet-python", "wav2lip-lrs", "mochabench")),
    Case("av-offset:signed", _CLIPS, _signed, GIVEN),
    Case("av-offset:vico", _CLIPS, _signed, GIVEN),
    Case("lse-d-gap", _PAIRS, _gap(0), GIVEN),
    Case("lse-c-gap", _PAIRS, _gap(1), GIVEN),
    Case("lse-c", _CLIPS, _reading(1, 10), {**GIVEN, "vshift": 10}),
]
