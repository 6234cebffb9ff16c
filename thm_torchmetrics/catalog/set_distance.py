"""Rows of the distances between sets of clips or frames: KID and FVD."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_COMMON = "of github.com/JunyaoHu/common_metrics_on_video_quality@5f75173"
_SCRIPTED = {"extractor": "i3d-torchscript"}

ROWS = (
    Row(
        "kid", "KernelInceptionDistance", "kid", "kernel inception distance", Scale(False), BOTH,
        (
            Protocol(
                "torch-fidelity", "github.com/toshas/torch-fidelity (M. Binkowski et al., 2018); over all pairs of "
                "frames in place of 100 random subsets of 1,000",
            ),
        ),
        ("inception",), "inception",
    ),
    Row(
        "fvd", "FrechetVideoDistance", "fvd", "Fréchet video distance", Scale(False), BOTH,
        (
            Protocol("videogpt", f"fvd/videogpt/fvd.py {_COMMON}", every_frame=True),
            Protocol("common-metrics", f"fvd/styleganv/fvd.py {_COMMON}", options=_SCRIPTED, every_frame=True),
            Protocol(
                "styleganv", "src/metrics/frechet_video_distance.py of github.com/universome/stylegan-v@3fecd69 "
                "(fvd2048_16f)", options={**_SCRIPTED, "frames": 16}, every_frame=True,
            ),
            Protocol(
                "cd-fvd", "cdfvd/fvd.py of github.com/songweige/content-debiased-fvd@a1e037a (S. Ge et al., 2024), "
                "with I3D", options={"frames": 16, "resolution": 256}, every_frame=True,
            ),
            Protocol(
                "latentsync", "eval/eval_fvd.py of github.com/bytedance/LatentSync@a229c39; of given face crops, since "
                "its face detector is not here", options={**_SCRIPTED, "frames": 16}, every_frame=True,
            ),
            Protocol(
                "fastvideo", "fastvideo/eval/metrics/common/fvd of github.com/hao-ai-lab/FastVideo@2f3d407",
                options=_SCRIPTED, every_frame=True,
            ),
        ),
        ("i3d", "i3d-torchscript"), "i3d",
    ),
)  # fmt: skip
