"""Formulas of the metrics: tensors in, tensors out, without networks, files or state.

Every formula can be imported from here, but one: `mfcc` is the module, and its function of the same name stays there.
"""

from thm_torchmetrics.functional import mfcc
from thm_torchmetrics.functional.action_units import ACTION_UNITS, action_unit_error, squared_errors
from thm_torchmetrics.functional.beat import BEAT_PROTOCOLS, BeatProtocol, beat_alignment, motion_beats
from thm_torchmetrics.functional.brisque import blind_spatial_quality, brisque_features
from thm_torchmetrics.functional.correlation import Spread, correlation_of_sums, spread_of_sums
from thm_torchmetrics.functional.delay import delay_distances, least_delay
from thm_torchmetrics.functional.dynamic_degree import fastest_flow, is_dynamic
from thm_torchmetrics.functional.emotion import (
    Statistics,
    emotion_hits,
    emotion_similarity_distance,
    moments,
    statistics,
)
from thm_torchmetrics.functional.eyes_and_mouth import (
    CLOSED_EYES,
    blinks,
    closed_eyes,
    eye_aspect_ratio,
    eye_openness,
    mouth_ratio,
)
from thm_torchmetrics.functional.face3d import (
    COEFFICIENTS as FACE_COEFFICIENTS,
    average_coefficient_distance,
    average_expression_distance,
    average_pose_distance,
)
from thm_torchmetrics.functional.flicker import temporal_flicker
from thm_torchmetrics.functional.frechet import (
    frechet_distance,
    frechet_distance_newton_schulz,
    frechet_from_features,
    frechet_gradient,
    frechet_sums,
)
from thm_torchmetrics.functional.fvd import video_network_input
from thm_torchmetrics.functional.head_pose import (
    head_pose_delta,
    head_pose_diversity,
    head_pose_error,
    motion_variance,
)
from thm_torchmetrics.functional.identity import cosine_similarity, squared_euclidean_distance
from thm_torchmetrics.functional.image_quality import peak_signal_noise_ratio, structural_similarity
from thm_torchmetrics.functional.kernel_distance import kernel_distance
from thm_torchmetrics.functional.landmarks import (
    PROTOCOLS as LANDMARK_PROTOCOLS,
    LandmarkProtocol,
    average_keypoint_distance,
    landmark_distance,
    missing_keypoints,
)
from thm_torchmetrics.functional.laplacian import laplacian_variance
from thm_torchmetrics.functional.lipsync import SyncScores, sync_distances, sync_scores
from thm_torchmetrics.functional.meshes import (
    face_dynamics,
    lip_intensity,
    lip_vertex_error,
    mouth_opening,
    mouth_timing_differences,
    vertex_distances,
    warping_path,
)
from thm_torchmetrics.functional.multi_scale_ssim import multi_scale_structural_similarity
from thm_torchmetrics.functional.niqe import natural_image_quality
from thm_torchmetrics.functional.openface_au import (
    Models as OpenFaceModels,
    action_unit_features,
    action_unit_intensities,
    action_unit_outputs,
    calibrate_action_units,
)
from thm_torchmetrics.functional.openface_face import align_to_mean_face, triangle_mask
from thm_torchmetrics.functional.openface_hog import oriented_gradients
from thm_torchmetrics.functional.openface_shape import (
    PointModel,
    closest_rotation,
    euler_angles,
    fit_point_model,
    rotation_matrix,
)
from thm_torchmetrics.functional.pixel_error import mean_absolute_error_per_frame, mean_squared_error_per_frame
from thm_torchmetrics.functional.scene_statistics import (
    asymmetric_gaussian,
    luma_levels,
    nearest_shape,
    neighbor_products,
    normalized_levels,
)
from thm_torchmetrics.functional.sharpness import blur_detection_probability
from thm_torchmetrics.functional.silence import speech_of_segments, speech_of_sound
from thm_torchmetrics.functional.theval import (
    eyebrow_dynamics,
    head_motion,
    lip_dynamics,
    lip_opening,
    silent_lip_motion,
    theval_score,
)
from thm_torchmetrics.functional.time_warping import soft_dtw
from thm_torchmetrics.functional.transcripts import edit_distance, transcript_errors

__all__ = [
    "ACTION_UNITS",
    "BEAT_PROTOCOLS",
    "CLOSED_EYES",
    "FACE_COEFFICIENTS",
    "LANDMARK_PROTOCOLS",
    "BeatProtocol",
    "LandmarkProtocol",
    "OpenFaceModels",
    "PointModel",
    "Spread",
    "Statistics",
    "SyncScores",
    "action_unit_error",
    "action_unit_features",
    "action_unit_intensities",
    "action_unit_outputs",
    "align_to_mean_face",
    "asymmetric_gaussian",
    "average_coefficient_distance",
    "average_expression_distance",
    "average_keypoint_distance",
    "average_pose_distance",
    "beat_alignment",
    "blind_spatial_quality",
    "blinks",
    "blur_detection_probability",
    "brisque_features",
    "calibrate_action_units",
    "closed_eyes",
    "closest_rotation",
    "correlation_of_sums",
    "cosine_similarity",
    "delay_distances",
    "edit_distance",
    "emotion_hits",
    "emotion_similarity_distance",
    "euler_angles",
    "eye_aspect_ratio",
    "eye_openness",
    "eyebrow_dynamics",
    "face_dynamics",
    "fastest_flow",
    "fit_point_model",
    "frechet_distance",
    "frechet_distance_newton_schulz",
    "frechet_from_features",
    "frechet_gradient",
    "frechet_sums",
    "head_motion",
    "head_pose_delta",
    "head_pose_diversity",
    "head_pose_error",
    "is_dynamic",
    "kernel_distance",
    "landmark_distance",
    "laplacian_variance",
    "least_delay",
    "lip_dynamics",
    "lip_intensity",
    "lip_opening",
    "lip_vertex_error",
    "luma_levels",
    "mean_absolute_error_per_frame",
    "mean_squared_error_per_frame",
    "mfcc",
    "missing_keypoints",
    "moments",
    "motion_beats",
    "motion_variance",
    "mouth_opening",
    "mouth_ratio",
    "mouth_timing_differences",
    "multi_scale_structural_similarity",
    "natural_image_quality",
    "nearest_shape",
    "neighbor_products",
    "normalized_levels",
    "oriented_gradients",
    "peak_signal_noise_ratio",
    "rotation_matrix",
    "silent_lip_motion",
    "soft_dtw",
    "speech_of_segments",
    "speech_of_sound",
    "spread_of_sums",
    "squared_errors",
    "squared_euclidean_distance",
    "statistics",
    "structural_similarity",
    "sync_distances",
    "sync_scores",
    "temporal_flicker",
    "theval_score",
    "transcript_errors",
    "triangle_mask",
    "vertex_distances",
    "video_network_input",
    "warping_path",
]
