"""Score talking-head videos with metrics for torchmetrics, or with the command ``thm``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from thm_torchmetrics.catalog import ROWS

if TYPE_CHECKING:
    from thm_torchmetrics.catalog import register_metric as register_metric
    from thm_torchmetrics.collection import TalkingHeadMetrics as TalkingHeadMetrics
    from thm_torchmetrics.comparison.compare import compare_models as compare_models
    from thm_torchmetrics.core.clip import Clip as Clip
    from thm_torchmetrics.core.frame_mean import FrameMean as FrameMean
    from thm_torchmetrics.core.metric import TalkingHeadMetric as TalkingHeadMetric
    from thm_torchmetrics.media import open_clip as open_clip
    from thm_torchmetrics.metrics.action_units import (
        ActionUnitError as ActionUnitError,
        ActionUnitErrorLower as ActionUnitErrorLower,
        ActionUnitErrorUpper as ActionUnitErrorUpper,
    )
    from thm_torchmetrics.metrics.beat import BeatAlignment as BeatAlignment
    from thm_torchmetrics.metrics.delay import FrameDelay as FrameDelay
    from thm_torchmetrics.metrics.dynamic_degree import DynamicDegree as DynamicDegree
    from thm_torchmetrics.metrics.emotion import (
        ArousalConcordance as ArousalConcordance,
        ArousalCorrelation as ArousalCorrelation,
        ArousalError as ArousalError,
        ArousalSignAgreement as ArousalSignAgreement,
        ValenceConcordance as ValenceConcordance,
        ValenceCorrelation as ValenceCorrelation,
        ValenceError as ValenceError,
        ValenceSignAgreement as ValenceSignAgreement,
    )
    from thm_torchmetrics.metrics.emotion_accuracy import EmotionAccuracy as EmotionAccuracy
    from thm_torchmetrics.metrics.emotion_similarity import (
        BlinkSimilarityDistance as BlinkSimilarityDistance,
        EmotionSimilarityDistance as EmotionSimilarityDistance,
    )
    from thm_torchmetrics.metrics.eyes_and_mouth import (
        BlinkDuration as BlinkDuration,
        BlinkRate as BlinkRate,
        LipLeakage as LipLeakage,
    )
    from thm_torchmetrics.metrics.face3d import (
        AverageExpressionDistance as AverageExpressionDistance,
        AveragePoseDistance as AveragePoseDistance,
        ExpressionFrechetDistance as ExpressionFrechetDistance,
        PoseFrechetDistance as PoseFrechetDistance,
    )
    from thm_torchmetrics.metrics.fid import FrechetInceptionDistance as FrechetInceptionDistance
    from thm_torchmetrics.metrics.flicker import TemporalFlicker as TemporalFlicker
    from thm_torchmetrics.metrics.fvd import FrechetVideoDistance as FrechetVideoDistance
    from thm_torchmetrics.metrics.head_pose import (
        HeadPoseDelta as HeadPoseDelta,
        HeadPoseDiversity as HeadPoseDiversity,
        HeadPoseError as HeadPoseError,
        MotionVariance as MotionVariance,
    )
    from thm_torchmetrics.metrics.identity import (
        AverageEuclideanDistance as AverageEuclideanDistance,
        IdentitySimilarity as IdentitySimilarity,
    )
    from thm_torchmetrics.metrics.image_quality import (
        BlurDetectionProbability as BlurDetectionProbability,
        PeakSignalNoiseRatio as PeakSignalNoiseRatio,
        StructuralSimilarity as StructuralSimilarity,
    )
    from thm_torchmetrics.metrics.kid import KernelInceptionDistance as KernelInceptionDistance
    from thm_torchmetrics.metrics.landmarks import (
        AverageKeypointDistance as AverageKeypointDistance,
        LandmarkDistance as LandmarkDistance,
        MissingKeypointRate as MissingKeypointRate,
    )
    from thm_torchmetrics.metrics.laplacian import LaplacianVariance as LaplacianVariance
    from thm_torchmetrics.metrics.lip_reading import (
        LipScore as LipScore,
        MultimodalSynchronization as MultimodalSynchronization,
        UnsupervisedSynchronization as UnsupervisedSynchronization,
        VisualSynchronization as VisualSynchronization,
    )
    from thm_torchmetrics.metrics.lipsync import (
        LipSyncConfidence as LipSyncConfidence,
        LipSyncDistance as LipSyncDistance,
        LipSyncOffset as LipSyncOffset,
    )
    from thm_torchmetrics.metrics.lipsync_gap import (
        LipSyncConfidenceGap as LipSyncConfidenceGap,
        LipSyncDistanceGap as LipSyncDistanceGap,
    )
    from thm_torchmetrics.metrics.lipsync_sequences import LipSyncSequenceDistance as LipSyncSequenceDistance
    from thm_torchmetrics.metrics.lpips import LearnedPerceptualSimilarity as LearnedPerceptualSimilarity
    from thm_torchmetrics.metrics.mesh_motion import (
        MouthTimingMisalignment as MouthTimingMisalignment,
        UpperFaceDynamicsDeviation as UpperFaceDynamicsDeviation,
    )
    from thm_torchmetrics.metrics.meshes import (
        LipVertexError as LipVertexError,
        MeanVertexError as MeanVertexError,
        MouthOpeningDifference as MouthOpeningDifference,
        UpperFaceVertexError as UpperFaceVertexError,
    )
    from thm_torchmetrics.metrics.multi_scale_ssim import (
        MultiScaleStructuralSimilarity as MultiScaleStructuralSimilarity,
    )
    from thm_torchmetrics.metrics.no_reference import (
        BlindSpatialQuality as BlindSpatialQuality,
        NaturalImageQuality as NaturalImageQuality,
        PerceptualQuality as PerceptualQuality,
    )
    from thm_torchmetrics.metrics.pixel_error import (
        PixelAbsoluteError as PixelAbsoluteError,
        PixelSquaredError as PixelSquaredError,
    )
    from thm_torchmetrics.metrics.sequences import (
        ExpressionSequenceDistance as ExpressionSequenceDistance,
        HeadPoseSequenceDistance as HeadPoseSequenceDistance,
        IdentitySequenceDistance as IdentitySequenceDistance,
        LandmarkSequenceDistance as LandmarkSequenceDistance,
        PerceptualSequenceDistance as PerceptualSequenceDistance,
    )
    from thm_torchmetrics.metrics.speech_lip import SpeechLipCorrelation as SpeechLipCorrelation
    from thm_torchmetrics.metrics.theval import (
        EyebrowMotion as EyebrowMotion,
        HeadMotion as HeadMotion,
        LipDynamics as LipDynamics,
        SilentLip as SilentLip,
    )
    from thm_torchmetrics.metrics.transcripts import (
        CharacterErrorRate as CharacterErrorRate,
        WordErrorRate as WordErrorRate,
    )
    from thm_torchmetrics.scoring.merge import merge as merge
    from thm_torchmetrics.scoring.result import Result as Result
    from thm_torchmetrics.scoring.score import score as score
    from thm_torchmetrics.training.callback import TalkingHeadEvaluation as TalkingHeadEvaluation
    from thm_torchmetrics.training.collate import collate_clips as collate_clips
    from thm_torchmetrics.training.sampler import ShardSampler as ShardSampler

__version__ = "0.1.0"

_HOMES = {
    "Clip": "core.clip",
    "FrameMean": "core.frame_mean",
    "Result": "scoring.result",
    "ShardSampler": "training.sampler",
    "TalkingHeadEvaluation": "training.callback",
    "TalkingHeadMetric": "core.metric",
    "TalkingHeadMetrics": "collection",
    "collate_clips": "training.collate",
    "compare_models": "comparison.compare",
    "merge": "scoring.merge",
    "open_clip": "media",
    "register_metric": "catalog",
    "score": "scoring.score",
    **{row.name: f"metrics.{row.module}" for row in ROWS},
}

_ROOMS = ("functional", "media", "nets", "weights")

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    """Import a public name, or a room by its name, when it is first used."""
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
