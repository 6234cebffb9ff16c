"""Cases of the metrics of meshes: NumPy, and the original's golden numbers."""

import numpy as np
import torch
from metrics.cases.case import Case, ClipInputs, Reference, clip_mean, frame_mean
from parity import build
from parity.seeded import golden, golden_meta
from torch import Tensor

_LIPS, _UPPER = (0, 2, 2), (1, 3, 3)


def _clips() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(0)
    found = []
    for number, frames in enumerate((12, 20, 31)):
        real = torch.randn(frames, 5, 3, generator=generator, dtype=torch.float64) / 20
        real[:, 0, 1] += 2 + torch.sin(torch.arange(frames) / 2)
        noise = torch.randn(real.shape, generator=generator).double()
        found.append({"preds": real + 0.01 * noise if number else real.clone(), "target": real})
    return found


def _farthest(preds: Tensor, target: Tensor) -> float:
    return float(np.max(np.sum((preds.numpy() - target.numpy())[list(_LIPS)] ** 2, axis=1)))


def _mean_distance(preds: Tensor, target: Tensor) -> float:
    return float(np.linalg.norm(preds.numpy() - target.numpy(), axis=1).mean())


def _upper(reduce: str) -> Reference:
    return frame_mean(
        lambda preds, target: float(
            getattr(np.linalg.norm((preds.numpy() - target.numpy())[list(_UPPER)], axis=1), reduce)()
        )
    )


def _opening(frame: Tensor) -> float:
    return float(np.linalg.norm(frame.numpy()[0] - frame.numpy()[1]))


def _dynamics(clips: list[ClipInputs]) -> float:
    (clip,) = clips
    moves = [np.std(np.sum(clip[side].numpy()[:, list(_UPPER)] ** 2, axis=2), axis=0).mean() for side in clip]
    return float(moves[1] - moves[0])


def _pairs() -> list[ClipInputs]:
    """The lips of the original's golden clips, and before them a clip that is on time."""
    pairs = [build.lip_pair(golden_meta("mtm_slcc"), case) for case in range(4)]
    found = [{"preds": torch.from_numpy(preds), "target": torch.from_numpy(target)} for target, preds in pairs]
    on_time = found[0]["target"][:100]
    return [{"preds": on_time[::2].clone(), "target": on_time}, *found]


_DELAYS = {
    100: 0.0,
    **{len(clip["target"]): golden("mtm_slcc")[f"mtm_{i}_mean"] for i, clip in enumerate(_pairs()[1:])},
}
"""The delay of a clip in frames, by the length of its target."""


def _delay(clips: list[ClipInputs]) -> float:
    (clip,) = clips
    return float(_DELAYS[len(clip["target"])])


def _spoken() -> list[ClipInputs]:
    """Lips of one person that move, and speech that is louder where they move more, with noise."""
    generator = torch.Generator().manual_seed(5)
    found = []
    for number, frames in enumerate((9, 14, 12, 20)):
        lips = (number + 1) * torch.randn(frames, 5, 3, generator=generator, dtype=torch.float64)
        level = 0.03 * (number + 2) + 0.05 * (number == 1)
        sound = level * torch.randn(30 + frames, generator=generator, dtype=torch.float64).clamp(-1, 1)
        found.append({"preds": lips, "audio": sound})
    return found


def _intensities(clips: list[ClipInputs]) -> float:
    speech = [np.sqrt(np.mean((32768 * clip["audio"].numpy()) ** 2)) for clip in clips]
    steps = [np.linalg.norm(np.diff(clip["preds"].numpy()[:, list(_LIPS)], axis=0), axis=2).mean(1) for clip in clips]
    return float(np.corrcoef(speech, [np.sqrt(np.mean(each**2)) for each in steps])[0, 1])


_NEUTRAL = {"upper": _UPPER, "template": torch.zeros(5, 3)}

CASES = [
    Case("lve", _clips(), frame_mean(_farthest), {"lips": _LIPS}),
    Case("lve:euclidean", _clips(), frame_mean(lambda a, b: _farthest(a, b) ** 0.5), {"lips": _LIPS}),
    Case("mve", _clips(), frame_mean(_mean_distance)),
    Case("ufve", _clips(), _upper("mean"), {"upper": _UPPER}),
    Case("ufve:emotalk", _clips(), _upper("max"), {"upper": _UPPER}),
    Case("fdd", _clips(), clip_mean(_dynamics), _NEUTRAL),
    Case("fdd:facediffuser", _clips(), clip_mean(lambda clips: abs(_dynamics(clips))), _NEUTRAL),
    Case("mod", _clips(), frame_mean(lambda a, b: abs(_opening(a) - _opening(b))), {"lips": (0, 1)}),
    Case("mtm", _pairs(), clip_mean(lambda clips: 40 * _delay(clips)), {"lips": (0, 1)}),
    Case("mtm:perceptual-frames", _pairs(), clip_mean(_delay), {"lips": (0, 1)}),
    Case("slcc", _spoken(), _intensities, {"lips": _LIPS, "identities": "M003"}),
]
