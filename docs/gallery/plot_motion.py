"""
What the metrics of motion measure
==================================

Head pose, beats, eyes and mouth, as curves over time. The motion is made here, frame by frame, so that the cause of
every value is known; with videos, the landmarks and angles come from an extractor. Each title holds the value.
"""

# %%
# A clip of six seconds at 25 frames per second.
import torch
from matplotlib import pyplot as plt

from thm_torchmetrics import (
    BeatAlignment,
    BlinkDuration,
    BlinkRate,
    EyebrowMotion,
    HeadMotion,
    HeadPoseDelta,
    HeadPoseDiversity,
    HeadPoseError,
    LipDynamics,
    LipLeakage,
    MotionVariance,
    SilentLip,
)
from thm_torchmetrics.functional import (
    blinks,
    closed_eyes,
    eye_aspect_ratio,
    head_pose_error,
    lip_opening,
    motion_beats,
    motion_variance,
    mouth_ratio,
    speech_of_sound,
)

FPS, FRAMES = 25, 150
TIME = torch.arange(FRAMES) / FPS


def panels(count=1, height=2.8):
    """Return axes above each other that share the time."""
    _, axes = plt.subplots(count, 1, sharex=True, figsize=(9, height), layout="constrained", squeeze=False)
    axes[-1, 0].set_xlabel("seconds")
    return axes[:, 0]


def label(axes, unit, title=""):
    """Name the curves beside the axes."""
    axes.set(ylabel=unit, title=title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def shade(axes, spans, **style):
    """Mark spans of frames; the first of them stands in the legend."""
    for i, (first, last) in enumerate(spans):
        axes.axvspan(first / FPS, last / FPS, **(style if not i else {**style, "label": None}))


# %%
# Head pose against a target
# --------------------------
# ``pose-error`` is the mean absolute difference of pitch, yaw and roll. This head turns less far than the real one, and
# more to one side.
target = torch.stack([5 * torch.sin(TIME), 12 * torch.sin(2 * TIME), 2 * torch.cos(TIME)], dim=1)
preds = 0.7 * target + torch.tensor([0.0, 3.0, 0.0])
error = head_pose_error(preds, target)

(axes,) = panels()
axes.plot(TIME, target[:, 1], label="yaw of the real head")
axes.plot(TIME, preds[:, 1], label="yaw of the generated head")
axes.fill_between(TIME, 0, error, alpha=0.3, color="C3", label="error, mean of three angles")
label(axes, "degrees", f"pose-error {HeadPoseError(extractor=None)(preds, target):.2f}°")

# %%
# The amount of head motion
# -------------------------
# ``pose-diversity`` is the spread of the angles, ``pose-delta`` their change from frame to frame, THEval's
# ``head-motion`` a product of both and the spread of the face's place. A slow wide turn and a fast tremble can have
# one diversity.
turn = torch.stack([0 * TIME, 10 * torch.sin(TIME), 0 * TIME], dim=1)
tremble = torch.stack([0 * TIME, 10 * torch.sin(25 * TIME), 0 * TIME], dim=1)
place = torch.stack([128 + turn[:, 1], torch.full_like(TIME, 128.0)], dim=1)  # where the face is, in pixels

for axes, name, poses in zip(panels(2, 4), ("slow turn", "fast tremble"), (turn, tremble), strict=True):
    diversity, delta = HeadPoseDiversity(extractor=None)(poses), HeadPoseDelta(extractor=None)(poses)
    restless = HeadMotion()(torch.cat([poses, place], dim=1))
    axes.plot(TIME, poses[:, 1], label="yaw")
    axes.axhspan(-float(poses[:, 1].std()), float(poses[:, 1].std()), alpha=0.15, label="its deviation")
    title = f"{name}: pose-diversity {diversity:.2f}°, pose-delta {delta:.2f}°, head-motion {restless:.1f}"
    label(axes, "degrees", title)

# %%
# Variance of head and expression
# -------------------------------
# ``motion-variance`` takes windows of 12 frames. ``glo`` is the variance of the tip of the nose, ``exp`` that of the
# upper face relative to it. The head nods during the first half, the brows move during the second; each of the two
# protocols sees one of them.
face = torch.zeros(FRAMES, 68, 2)
nod, brows = 6 * torch.sin(5 * TIME) * (TIME < 3), 6 * torch.sin(5 * TIME) * (TIME >= 3)
face[:, :, 1] = nod[:, None]
face[:, 17:27, 1] += brows[:, None]

for axes, part in zip(panels(2, 4), ("glo", "exp"), strict=True):
    windows = motion_variance(face, part)
    starts = torch.arange(len(windows)) * 12 / FPS
    axes.plot(TIME, nod, label="tip of the nose")
    axes.plot(TIME, brows, label="brows, relative to it")
    axes.bar(
        starts.numpy(),
        windows.numpy(),
        width=12 / FPS,
        align="edge",
        alpha=0.3,
        color="C2",
        label="variance of the window",
    )
    value = MotionVariance(protocol=part, extractor=None)(face)
    label(axes, "pixels, pixels²", f"motion-variance:{part} {value:.2f} px²")

# %%
# Beats
# -----
# A beat of the motion is a moment in which the face is slowest. ``beat-align`` scores for each beat of the sound (in
# ``aist`` for each of the motion) how near the next one of the other is: the green bars. The protocols differ in
# smoothing, unit and width, so their values do not compare.
steps = 1 - torch.cos(TIME * 2 * torch.pi)
keypoints = steps.cumsum(dim=0)[:, None, None].expand(-1, 68, 2)
sound = torch.tensor([1.0, 2.05, 3.1, 4.2, 5.3])
protocols = ("kdtalker", "bailando", "aist")
values = [BeatAlignment(protocol=name, extractor=None)(keypoints, audio=sound) for name in protocols]

beats = motion_beats(keypoints)
nearest = (sound[:, None] - beats / FPS).abs().amin(dim=1)
(axes,) = panels()
axes.plot(TIME, steps, label="speed")
axes.plot(beats / FPS, steps[beats], "o", label="beats of the motion")
axes.vlines(sound, 0, 2, linestyle="--", color="gray", label="beats of the sound")
axes.bar(sound.numpy(), torch.exp(-(nearest**2) / 0.02).numpy(), width=0.08, color="C2", label="their score (kdtalker)")
label(axes, "pixels per frame; score", "beat-align: kdtalker {:.2f}, bailando {:.2f}, aist {:.2f}".format(*values))

# %%
# Blinks
# ------
# The eye aspect ratio is the height of an eye over its width. A run of frames below the limit is a blink. The last one
# is cut off by the end of the clip: it counts for the rate, and not for the duration.
gap = torch.full((FRAMES,), 3.0) + 0.15 * torch.sin(9 * TIME)
for start in (30, 70, 118, 146):
    shut = torch.tensor([2.0, 1.0, 0.5, 0.5, 1.2, 2.2])[: FRAMES - start]
    gap[start : start + len(shut)] = shut
eyes = torch.zeros(FRAMES, 68, 2)
eyes[:, [39, 45], 0] = 10
eyes[:, [37, 38, 43, 44], 1] = gap[:, None]
rate, duration = BlinkRate(extractor=None)(eyes), BlinkDuration(extractor=None)(eyes)

(axes,) = panels()
axes.plot(TIME, eye_aspect_ratio(eyes), label="eye aspect ratio")
axes.axhline(0.2, linestyle="--", color="gray", label="limit")
shade(axes, blinks(closed_eyes(eyes)).tolist(), alpha=0.3, color="C3", label="blink")
label(axes, "ratio", f"blink-rate {rate:.2f} per second, blink-duration {duration:.2f} s")

# %%
# The mouth in silence
# --------------------
# Lips that move while nobody speaks. ``lip-leak`` is the share of the silent frames in which they are open by more than
# a quarter of their width; ``silent-lip`` how far their opening strays from its mean in these frames.
mouth = torch.zeros(FRAMES, 68, 2)
mouth[:, [36, 45], 0] = torch.tensor([-25.0, 25.0])  # the eyes, for the size of the face
mouth[:, [36, 45], 1] = -40
mouth[:, [54, 64], 0] = 20
mouth[:, 66, 1] = 5 + 5 * torch.sin(11 * TIME) * torch.cos(3 * TIME)
voice = 0.3 * torch.sin(torch.arange(16000 * FRAMES // FPS) * 0.3)
voice[2 * 16000 : 4 * 16000] = 0
speech = speech_of_sound(voice, 16000, FRAMES, FPS)
ratio = mouth_ratio(mouth)
leaks = ~speech & (ratio > 0.25)
leak = LipLeakage(extractor=None)(mouth, audio=speech)
silent = SilentLip(protocol="theval-68", extractor=None)(mouth, audio=speech)

above, below = panels(2, 4)
above.plot(TIME, ratio, label="gap over width of the lips")
above.axhline(0.25, linestyle="--", color="gray", label="limit")
above.plot(TIME[leaks], ratio[leaks], "r.", label="leak")
opening = lip_opening(mouth)
below.plot(TIME, opening, label="opening of the lips")
below.axhline(float(opening[~speech].mean()), linestyle="--", color="gray", label="its mean in silence")
for axes in (above, below):
    shade(axes, [(50, 100)], alpha=0.15, color="C1", label="silence")
label(above, "ratio", f"lip-leak {leak:.2f}")
label(below, "of the face", f"silent-lip {silent:.4f}")

# %%
# Lips and brows of THEval
# ------------------------
# ``lip-dynamics`` is the spread over time of the distances of the lip points, ``eyebrow`` the change of the height of
# the brows from frame to frame. Here a face that mumbles and frowns all the time, and one that does neither.
torch.manual_seed(0)
rest = torch.rand(68, 2) * 100 + 70
lively, still = (rest.expand(FRAMES, 68, 2).clone() for _ in range(2))
for moving, size in ((lively, 1.0), (still, 0.2)):
    moving[:, 55:60, 1] += size * 6 * torch.sin(8 * TIME)[:, None].abs()
    moving[:, 17:27, 1] -= size * 4 * torch.sin(6 * TIME)[:, None]
names = ("lively", "still")

axes = panels(2, 4)
for name, moving in zip(names, (lively, still), strict=True):
    lips = LipDynamics(protocol="theval-68", extractor=None)(moving)
    brow = EyebrowMotion(protocol="theval-68", extractor=None)(moving)
    axes[0].plot(TIME, moving[:, 57, 1] - moving[:, 51, 1], label=f"{name}: lip-dynamics {lips:.2f}")
    axes[1].plot(TIME, moving[:, 17:22, 1].mean(dim=1), label=f"{name}: eyebrow {brow:.4f}")
label(axes[0], "lower lip, pixels")
label(axes[1], "left brow, pixels")
