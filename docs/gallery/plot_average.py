"""
The mean over frames, and over clips
====================================

Two clips, one long and good, one short and bad. ``average="frame"`` weighs every frame alike, ``average="clip"`` every
clip; papers use both and seldom say which.
"""

import torch
from matplotlib import pyplot as plt

from thm_torchmetrics import PeakSignalNoiseRatio

target = torch.full((100, 3, 32, 32), 100, dtype=torch.uint8)
good, bad = target + 2, (target + 40)[:10]

values = {}
for average in ("frame", "clip"):
    metric = PeakSignalNoiseRatio(average=average)
    metric.update(good, target)
    metric.update(bad, target[:10])
    values[average] = float(metric.compute())
    print(f"{average}: {values[average]:.2f} dB")

figure, axes = plt.subplots(figsize=(5, 1.8), layout="constrained")
axes.barh(list(values), list(values.values()), height=0.5)
axes.set_xlabel("PSNR ↑ dB")
axes.spines[["top", "right"]].set_visible(False)
