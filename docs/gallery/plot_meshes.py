"""
What the metrics of 3-D faces measure
=====================================

Lips, upper face and timing of a face of made-up vertices. The real data sets have thousands of vertices, and their own
lists of lips and upper face; the formulas are these. Each title holds the value.
"""

# %%
# A ring of lips that opens and closes, and a row of brows above it, in millimeters; four seconds at 25 frames per
# second. The prediction opens the mouth less far and moves the brows less.
import torch
from matplotlib import pyplot as plt

from thm_torchmetrics import (
    LipVertexError,
    MeanVertexError,
    MouthOpeningDifference,
    MouthTimingMisalignment,
    SpeechLipCorrelation,
    UpperFaceDynamicsDeviation,
    UpperFaceVertexError,
)
from thm_torchmetrics.functional import (
    lip_intensity,
    lip_vertex_error,
    mouth_opening,
    mouth_timing_differences,
    vertex_distances,
)

FPS, FRAMES = 25, 100
LIPS, UPPER = list(range(16)), list(range(16, 25))
TIME = torch.arange(FRAMES) / FPS


def face(opening, brows):
    """Return a mouth of 16 vertices, opened by so many mm, and brows of 9 vertices, raised by so many."""
    angle = torch.arange(16) * 2 * torch.pi / 16
    mouth = torch.stack([25 * angle.cos(), 3 * angle.sin(), 0 * angle], dim=1).repeat(len(opening), 1, 1)
    mouth[:, :, 1] += opening[:, None] / 2 * angle.sin()
    arch = torch.linspace(-40, 40, 9)
    upper = torch.stack([arch, 70 - arch**2 / 200, 0 * arch], dim=1).repeat(len(opening), 1, 1)
    upper[:, :, 1] += brows[:, None] * (arch.abs() / 40)
    return torch.cat([mouth, upper], dim=1).double()


def label(axes, unit, title="", below="seconds"):
    """Name the curves beside the axes."""
    axes.set(xlabel=below, ylabel=unit, title=title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


opening, brows = 8 * torch.sin(4 * TIME).abs(), 6 * torch.sin(2 * TIME)
real, made = face(opening, brows), face(0.6 * opening, 0.3 * brows)
template = face(torch.zeros(1), torch.zeros(1))[0]

# %%
# Lips: the farthest vertex of each frame
# ---------------------------------------
# ``lve`` takes the lip vertex that is farthest off, **squared**, and averages over frames; ``mve`` averages all
# vertices, of which most hardly move.
mouths = made[:, LIPS], real[:, LIPS]
frame = 10
worst = int(vertex_distances(*mouths)[frame].argmax())
lve = LipVertexError(lips=LIPS)(made, real)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3), width_ratios=(1, 1.2), layout="constrained")
for mouth, name in zip(mouths, ("generated", "real"), strict=True):
    left.scatter(*mouth[frame, :, :2].T, s=14, label=name)
error = torch.stack([mouth[frame, worst, :2] for mouth in mouths])
left.plot(*error.T, color="C3", linewidth=3, label="largest error")
left.set(title=f"lips of frame {frame}", xlabel="mm", ylabel="mm")
left.legend(fontsize="small", loc="center")
right.plot(TIME, lip_vertex_error(*mouths), color="C3", label="squared error of the\nfarthest lip vertex, mm²")
right.plot(TIME, vertex_distances(made, real).mean(dim=1), color="C2", label="mean error of\nall vertices, mm")
label(right, "mm², mm", f"lve {lve:.2f} mm², mve {MeanVertexError()(made, real):.2f} mm")

# %%
# The upper face: where it is, and how much it moves
# --------------------------------------------------
# ``ufve`` compares the vertices frame by frame. No sound says when brows rise, so ``fdd`` compares only how much each
# vertex moves: the deviation over time of its squared distance from the neutral face, real minus generated. It is above
# 0 where the generated face moves less. Brows that move as much at another time are good by ``fdd``, and bad by
# ``ufve``.
late = face(opening, brows.roll(25))
sides = {"real": real, "weak": made, "late": late}
fdd, ufve = UpperFaceDynamicsDeviation(upper=UPPER, template=template), UpperFaceVertexError(upper=UPPER)

figure, axes = plt.subplots(figsize=(10, 2.8), layout="constrained")
for i, (name, side) in enumerate(sides.items()):
    motion = (side - template)[:, UPPER].square().sum(dim=2).std(dim=0, correction=0)
    axes.bar(torch.arange(9).numpy() + 0.27 * (i - 1), motion.numpy(), width=0.25, label=name)
values = [
    f"{name}: fdd {fdd(sides[name], real):.2f} mm², ufve {ufve(sides[name], real):.2f} mm" for name in ("weak", "late")
]
label(axes, "deviation, mm²", "; ".join(values), "vertex of the brows")

# %%
# The opening of the mouth
# ------------------------
# ``mod`` is the difference of the distance between the lips.
lips = [4, 12]  # the middle of the upper and of the lower lip
apart = [mouth_opening(side[:, lips]) for side in (real, made)]

figure, axes = plt.subplots(figsize=(10, 2.8), layout="constrained")
axes.plot(TIME, apart[0], label="real")
axes.plot(TIME, apart[1], label="generated")
axes.fill_between(TIME, *apart, alpha=0.3, color="C3", label="difference")
label(axes, "mm", f"mod {MouthOpeningDifference(lips=lips)(made, real):.2f} mm")

# %%
# The timing of the mouth
# -----------------------
# ``mtm`` does not mind how far the mouth opens, but when: each turn of the opening is matched with one of the real
# clip. The real clip has twice the frame rate, and every second of its frames is taken. Here the mouth is 3 frames
# late.
fine = face(8 * (1 + torch.sin(3 * torch.arange(2 * FRAMES) / (2 * FPS))), torch.zeros(2 * FRAMES))
late = face(5 * (1 + torch.sin(3 * (TIME - 3 / FPS))), torch.zeros(FRAMES))
curves = [mouth_opening(side[:, lips]) for side in (fine[::2], late)]
mtm = MouthTimingMisalignment(lips=lips)(late, fine)

figure, axes = plt.subplots(figsize=(10, 2.8), layout="constrained")
turns = [(curve.diff().sign().diff() != 0).nonzero()[:, 0] + 1 for curve in curves]
for name, curve, at in zip(("real", "generated"), curves, turns, strict=True):
    axes.plot(TIME, curve, label=name)
    axes.plot(at / FPS, curve[at], "k.")
for first, second in zip(*turns, strict=True):
    place = {"xy": (second / FPS, curves[1][second]), "xytext": (first / FPS, curves[0][first])}
    axes.annotate("", **place, arrowprops={"arrowstyle": "->", "color": "C3"})
found = ", ".join(f"{value:.0f}" for value in mouth_timing_differences(curves[1], curves[0]))
label(axes, "mm", f"mtm {mtm:.0f} ms: the matches are {found} frames apart")

# %%
# Loud speech and wide lips
# -------------------------
# ``slcc`` looks at whole clips: do the lips move more where the speech is louder? Both are turned into z-scores by
# person. Without that, a person who speaks loudly with small lips, as the second one here, would hide the correlation.
generator = torch.Generator().manual_seed(3)
slcc = SpeechLipCorrelation(lips=LIPS, identities="first,second")
clips = {"first": [], "second": []}
for name, loud, wide in (("first", 0.05, 8.0), ("second", 0.25, 3.0)):
    for level in torch.linspace(0.6, 1.4, 12):
        effort = level * (1 + 0.15 * torch.randn(1, generator=generator))
        moving = face(wide * effort * torch.sin(4 * TIME).abs(), 0 * TIME)
        voice = loud * level * torch.sin(torch.arange(16000) * 0.3)
        slcc.update(moving, audio=voice, labels=name)
        clips[name].append([32768 * float(voice.square().mean().sqrt()), float(lip_intensity(moving[:, LIPS]))])

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
for name, pairs in clips.items():
    pairs = torch.tensor(pairs)
    left.scatter(*pairs.T, label=f"{name} person")
    right.scatter(*((pairs - pairs.mean(dim=0)) / pairs.std(dim=0)).T, label=f"{name} person")
left.set(xlabel="loudness of the speech", ylabel="motion of the lips, mm per frame", title="clips as they are")
left.spines[["top", "right"]].set_visible(False)
label(right, "z-score of the lips", f"slcc {slcc.compute():.2f}", "z-score of the speech")
