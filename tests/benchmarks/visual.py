"""PSNR and SSIM beside piq, CPBD beside cpbd, on real frames where there are some."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import av
import numpy as np
import piq
import scipy.ndimage
import torch
from comparison import Row, compare
from skimage.data import astronaut
from skimage.transform import resize
from torch import Tensor

from thm_torchmetrics.functional.image_quality import peak_signal_noise_ratio, structural_similarity
from thm_torchmetrics.functional.sharpness import blur_detection_probability

CLIPS = Path(os.environ.get("THM_CLIPS", Path(__file__).resolve().parents[3] / "shared" / "clips"))


def frames(name: str, size: tuple[int, int], count: int) -> Tensor:
    """The first frames of a clip, or else of a slow pan over a portrait."""
    path = CLIPS / name
    if path.is_file():
        with av.open(str(path)) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), count)]
    else:
        portrait = (255 * resize(astronaut(), (size[0] + count, size[1] + count))).astype(np.uint8)
        pictures = [portrait[i : i + size[0], i : i + size[1]] for i in range(count)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def comparisons() -> Iterator[Row]:
    """PSNR and SSIM from bytes (piq converts them) and from float32; piq on the whole batch and frame by frame."""
    preds, target = (frames(f"{side}_video/radio8_wav2lip.mp4", (256, 256), 32) for side in ("pred", "gt"))
    pairs = {"uint8": (preds, target), "float32": (preds.to(torch.float32) / 255, target.to(torch.float32) / 255)}
    metrics = (("psnr", peak_signal_noise_ratio, piq.psnr, 4.0), ("ssim", structural_similarity, piq.ssim, 2.5))
    for name, ours, peer, least in metrics:
        for dtype, pair in pairs.items():
            whole, singly = partial(with_piq, peer, *pair, step=32), partial(with_piq, peer, *pair, step=1)
            yield compare(f"{name} {dtype}, piq", "256x256", partial(ours, *pair), whole, least, (32, 32))
            label = f"{name} {dtype}, piq a frame at a time"
            yield compare(label, "256x256", partial(ours, *pair), singly, None, (32, 32))
    yield cpbd_row(target[:8], 12.0)
    yield cpbd_row(frames("gt_video/kim_wav2lip.mp4", (1080, 1920), 3), 15.0)


def with_piq(metric: Callable[..., Tensor], preds: Tensor, target: Tensor, step: int) -> None:
    """What a user of piq writes, for ``step`` frames a call."""
    for x, y in zip(preds.split(step), target.split(step), strict=True):
        if x.dtype == torch.uint8:
            x, y = x.to(torch.float32) / 255, y.to(torch.float32) / 255
        metric(x, y, data_range=1.0, reduction="none")


def cpbd_row(batch: Tensor, least: float) -> Row:
    """CPBD from RGB bytes; the package gets one ready grey frame."""
    scipy.ndimage.imread = None  # the package imports this, which SciPy dropped, and never uses it
    import cpbd

    red, green, blue = batch[0].to(torch.int32)
    grey = ((9798 * red + 19235 * green + 3735 * blue + 16384) >> 15).to(torch.uint8).numpy()
    size = "x".join(map(str, batch.shape[-2:]))
    ours = partial(blur_detection_probability, batch)
    return compare("cpbd uint8, cpbd", size, ours, partial(cpbd.compute, grey), least, (len(batch), 1), rounds=5)
