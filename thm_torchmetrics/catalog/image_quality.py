"""Rows of the metrics of pixels: PSNR, SSIM, L1, MSE, CPBD, LPIPS, FID."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_EAT = "of github.com/yuangan/evaluation_eat (Y. Gan et al., EAT, ICCV 2023)"

ROWS = (
    Row(
        "psnr", "PeakSignalNoiseRatio", "image_quality", "peak signal-to-noise ratio", Scale(True, "dB"), BOTH,
        (
            Protocol("piq", "piq.psnr (github.com/photosynthesis-team/piq); ViCo baseline, TalkingHeadMetrics"),
            Protocol("mean-of-frames", "PSNRMeter in metrics.py of InsTaG, TalkingGaussian and ER-NeRF"),
            Protocol("global-mse", "torchmetrics.image.PeakSignalNoiseRatio(data_range=1.0)"),
            Protocol("eat", f"test_psnr_ssim.py {_EAT}: scikit-image's PSNR of its aligned crops", every_frame=True),
        ),
    ),
    Row(
        "ssim", "StructuralSimilarity", "image_quality", "structural similarity", Scale(True, "", -1.0, 1.0), BOTH,
        (
            Protocol("piq", "piq.ssim (github.com/photosynthesis-team/piq); ViCo baseline, TalkingHeadMetrics"),
            Protocol("torchmetrics", "torchmetrics.image.StructuralSimilarityIndexMeasure(data_range=1.0)"),
            Protocol("skimage", "skimage.metrics.structural_similarity(channel_axis=-1)"),
            Protocol(
                "talklip", "evaluation/visual_quality.py of J. Wang et al., TalkLip, CVPR 2023",
                options={"region": "face"},
            ),
            Protocol("eat", f"test_psnr_ssim.py {_EAT}: scikit-image's SSIM of its aligned crops", every_frame=True),
        ),
    ),
    Row(
        "ms-ssim", "MultiScaleStructuralSimilarity", "multi_scale_ssim", "structural similarity at five scales",
        Scale(True, "", 0.0, 1.0), BOTH,
        (Protocol("pytorch-msssim", "pytorch_msssim.ms_ssim (github.com/VainF/pytorch-msssim)"),),
    ),
    Row(
        "l1", "PixelAbsoluteError", "pixel_error", "mean absolute error of pixels", Scale(False, "", 0.0, 1.0), BOTH,
        (Protocol("fomm", "reconstruction.py of A. Siarohin et al., First Order Motion Model, NeurIPS 2019"),),
    ),
    Row(
        "mse", "PixelSquaredError", "pixel_error", "mean squared error of pixels", Scale(False, "", 0.0, 1.0), BOTH,
        (Protocol("fomm", "frames, scale and mean of the First Order Motion Model's L1, squared"),),
    ),
    Row(
        "cpbd", "BlurDetectionProbability", "image_quality", "cumulative probability of blur detection (sharpness)",
        Scale(True, "", 0.0, 1.0), ("preds",),
        (Protocol("python-cpbd", "N. D. Narvekar, L. J. Karam, IEEE TIP 2011, as the package cpbd computes it"),),
    ),
    Row(
        "lpips", "LearnedPerceptualSimilarity", "lpips", "learned perceptual image patch similarity",
        Scale(False), BOTH,
        (
            Protocol("alex", "R. Zhang et al., CVPR 2018, version 0.1, AlexNet; TalkingHeadMetrics, ER-NeRF, InsTaG"),
            Protocol("vgg", "R. Zhang et al., CVPR 2018, version 0.1, VGG-16"),
            Protocol("squeeze", "R. Zhang et al., CVPR 2018, version 0.1, SqueezeNet"),
        ),
        ("lpips",), "lpips",
    ),
    Row(
        "fid", "FrechetInceptionDistance", "fid", "Fréchet inception distance", Scale(False), BOTH,
        (
            Protocol("pytorch-fid", "github.com/mseitzer/pytorch-fid"),
            Protocol("torch-fidelity", "github.com/toshas/torch-fidelity"),
            Protocol("clean-fid", "github.com/GaParmar/clean-fid, mode clean (G. Parmar et al., CVPR 2022)"),
            Protocol("piq", "piq.FID; ViCo baseline and TalkingHeadMetrics. For comparison with them only"),
            Protocol(
                "eat", f"test_fid.py {_EAT}: five aligned crops of each clip, torchvision's Inception",
                options={"extractor": "inception-imagenet"}, every_frame=True,
            ),
        ),
        ("inception", "inception-imagenet"), "inception",
    ),
)  # fmt: skip
