"""The input of I3D, beside what the published programs made of the same clips."""

import numpy as np
import pytest
import torch
from parity.seeded import golden, golden_input
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.fvd import video_network_input

MODEL = "i3d400"
STORED = {
    "common_metrics": ("common-metrics", None),
    "videogpt": ("videogpt", None),
    "cdfvd": ("cd-fvd", None),
    "cdfvd_folder": ("cd-fvd", 128),
    "fastvideo": ("fastvideo", None),
}


def clip(name: str) -> Tensor:
    return torch.from_numpy(golden_input(MODEL, name)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("name", ["wide", "tall", "square", "big"])
def test_pixels_are_the_original_s(name: str, stored: str) -> None:
    made = video_network_input(clip(name), *STORED[stored])
    assert made.shape == tuple(golden(MODEL)[f"{name}_{stored}_shape"])
    sample = golden(MODEL)[f"{name}_{stored}_sample"]
    assert np.abs(made[:, ::5, 3::45, 2::37].numpy() - sample).max() <= 2e-6
    sums = made.double().sum().item(), made.double().square().sum().item()
    assert sums == pytest.approx(golden(MODEL)[f"{name}_{stored}_sums"], rel=1e-5, abs=1)


def test_latentsync_s_crops_are_resized_by_area() -> None:
    frame = clip("big")[:1]
    for box, sample, total in zip(
        golden(MODEL)["latentsync_boxes"],
        golden(MODEL)["latentsync_crops_sample"],
        golden(MODEL)["latentsync_crops_sum"],
        strict=True,
    ):
        top, left, bottom, right = box
        made = video_network_input(frame[:, :, top:bottom, left:right], "latentsync") * 255
        levels = made[:, 0].permute(1, 2, 0).round().to(torch.uint8).numpy()
        assert levels.sum() == total
        assert (levels[3::15, 2::13] == sample).all()


def test_float_frames_between_two_levels_are_cut_where_the_program_makes_bytes() -> None:
    levels = torch.from_numpy(golden(MODEL)["videogpt_levels"])
    frames = (levels.float() / 255)[:, None, None, None].expand(256, 3, 9, 9)
    seen = (video_network_input(frames, "videogpt")[0, :, 5, 5] + 1) * 127.5
    assert torch.allclose(seen, levels.float(), atol=1e-3)
    between = torch.full((9, 3, 16, 16), 100.7 / 255)
    assert video_network_input(between, "videogpt").mean().item() == pytest.approx(200 / 255 - 1, abs=1e-6)
    assert video_network_input(between, "cd-fvd").mean().item() == pytest.approx(200 / 255 - 1, abs=1e-6)
    for protocol in ("common-metrics", "styleganv", "fastvideo"):
        assert video_network_input(between, protocol).mean().item() == pytest.approx(201.4 / 255 - 1, abs=1e-6)


def test_styleganv_stretches_like_the_others_that_keep_no_aspect() -> None:
    """Its own program does it inside a file that is not here."""
    made = video_network_input(clip("wide"), "styleganv")
    assert (made - video_network_input(clip("wide"), "cd-fvd")).abs().max() <= 2e-6


def test_bad_input_is_named() -> None:
    frames = torch.zeros(9, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(InputError, match=r"protocol.*videogpt"):
        video_network_input(frames, "vasa")
    with pytest.raises(InputError, match="resolution"):
        video_network_input(frames, resolution=0)
    with pytest.raises(InputError, match="frames"):
        video_network_input(frames[:, :1])
    with pytest.raises(InputError, match=r"0\.\.1"):
        video_network_input(torch.full((9, 3, 8, 8), 2.0))
