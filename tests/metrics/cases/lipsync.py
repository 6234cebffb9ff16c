"""Cases of LSE-D, LSE-C and the offset on given embeddings: window by window, shift by shift."""

import numpy as np
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference


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


def _reading(which: int, vshift: int = 15) -> Reference:
    """LSE-D, LSE-C or |offset| as SyncNet's evaluation is described, mean over clips."""

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

    return lambda clips: float(np.mean([readings(clip)[which] for clip in clips]))


_CLIPS = _speech()

CASES = [
    *(Case(key, _CLIPS, _reading(i), GIVEN) for i, key in enumerate(("lse-d", "lse-c", "av-offset"))),
    *(Case(f"lse-d:{name}", _CLIPS, _reading(0), GIVEN) for name in ("syncnet-python", "wav2lip-lrs")),
    Case("lse-c", _CLIPS, _reading(1, 10), {**GIVEN, "vshift": 10}),
]
