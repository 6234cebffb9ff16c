"""Rows of the metrics of motion: head pose, beats, eyes and mouth."""

from __future__ import annotations

from thm_torchmetrics.catalog.row import BOTH, Protocol, Row, Scale

_PREDS, _SOUND = ("preds",), ("preds", "audio")
POSE = (("pnp", "deep3d", "deep3d-2023"), "pose")
_POINTS = (("fan", "dlib"), "landmarks")
_KDTALKER = "github.com/chaolongy/KDTalker@f78bf4c"
_LOOPY = "J. Jiang et al., Loopy, arXiv 2409.02634, in words; no code is public"
_DIFFERENCE = Scale(False, "px²")
_BLINKS = (
    Protocol(
        "talkingheadbench", "node4_clip_extractor.py of github.com/22elix3r/TalkingHeadBench@77c6993: eye aspect ratio",
        "clip", every_frame=True,
    ),
    Protocol(
        "survey", "util.py of github.com/lelechen63/talking-head-generation-survey@09179eb: pixels between the lids",
        "clip", every_frame=True,
    ),
)  # fmt: skip


def _theval(program: str) -> tuple[Protocol, ...]:
    """Return the protocols of a metric of THEval."""
    return (
        Protocol("theval", f"{program} of github.com/Newbyl/THEval@cfe23fe", "clip", {"extractor": None}, None, True),
        Protocol("theval-68", f"this package's own: {program} on 68 landmarks", "clip", every_frame=True),
    )


ROWS = (
    Row(
        "pose-error", "HeadPoseError", "head_pose", "error of the head pose", Scale(False, "deg", 0.0, 180.0), BOTH,
        (Protocol("degrees", "J. Guo et al., LivePortrait, arXiv 2407.03168, in words: MAE of the angles"),), *POSE,
    ),
    Row(
        "pose-diversity", "HeadPoseDiversity", "head_pose", "diversity of the head pose", Scale(True, "deg"), _PREDS,
        (
            Protocol("degrees", "standard deviation of the angles over a clip, this package's own", "clip"),
            Protocol(
                "sadtalker", f"cal_std.py of {_KDTALKER} (Diversity of SadTalker's table): Hopenet's logits", "clip",
                {"extractor": None}, Scale(True),
            ),
        ),
        *POSE,
    ),
    Row(
        "pose-delta", "HeadPoseDelta", "head_pose", "change of the head pose per frame", Scale(True, "deg", 0.0, 180.0),
        _PREDS, (Protocol("vasa", "S. Xu et al., VASA-1, arXiv 2404.10667, in words: ΔP", every_frame=True),), *POSE,
    ),
    Row(
        "motion-variance", "MotionVariance", "head_pose", "variance of head motion (glo) or expression (exp)",
        Scale(True, "px²"), _PREDS,
        (
            Protocol("glo", f"Glo of {_LOOPY}", "clip", every_frame=True),
            Protocol("exp", f"Exp of {_LOOPY}", "clip", every_frame=True),
            Protocol("dglo", f"DGlo of {_LOOPY}", "clip", scale=_DIFFERENCE, every_frame=True),
            Protocol("dexp", f"DExp of {_LOOPY}", "clip", scale=_DIFFERENCE, every_frame=True),
        ),
        *_POINTS,
    ),
    Row(
        "beat-align", "BeatAlignment", "beat", "alignment of the beats of motion and sound",
        Scale(True, "", 0.0, 1.0), _SOUND,
        (
            Protocol("kdtalker", f"cal_beat_align_score.py of {_KDTALKER}: seconds", "clip", every_frame=True),
            Protocol(
                "bailando", "beat_align_score.py of github.com/lisiyao21/Bailando (L. Siyao et al., CVPR 2022): frames",
                "clip", every_frame=True,
            ),
            Protocol(
                "aist", "calculate_beat_scores.py of github.com/google-research/mint (AIST++, ICCV 2021): frames, over "
                "the beats of the motion", "clip", every_frame=True,
            ),
        ),
        *_POINTS,
    ),
    Row(
        "blink-rate", "BlinkRate", "eyes_and_mouth", "blinks per second", Scale(True, "1/s"), _PREDS, _BLINKS, *_POINTS,
    ),
    Row(
        "blink-duration", "BlinkDuration", "eyes_and_mouth", "median length of a blink", Scale(False, "s"), _PREDS,
        _BLINKS, *_POINTS,
    ),
    Row(
        "lip-leak", "LipLeakage", "eyes_and_mouth", "share of silent frames with an open mouth",
        Scale(False, "", 0.0, 1.0), _SOUND,
        (
            Protocol(
                "keysync", "LipLeak of A. Bigata et al., KeySync, arXiv 2505.00497, in words; no code is public",
                every_frame=True,
            ),
        ),
        *_POINTS,
    ),
    Row(
        "silent-lip", "SilentLip", "theval", "motion of the lips in silence", Scale(False), _SOUND,
        _theval("Synchronization/silent_lip_stability.py"), *_POINTS,
    ),
    Row(
        "lip-dynamics", "LipDynamics", "theval", "motion of the lips", Scale(True, "px"), _PREDS,
        _theval("Naturalness/lip_dynamics.py"), *_POINTS,
    ),
    Row(
        "eyebrow", "EyebrowMotion", "theval", "motion of the brows", Scale(True), _PREDS,
        _theval("Naturalness/eyebrow_dynamics.py"), *_POINTS,
    ),
    Row(
        "head-motion", "HeadMotion", "theval", "motion of the head", Scale(True), _PREDS,
        _theval("Naturalness/head_motion_dynamics.py"), *POSE,
    ),
)  # fmt: skip
