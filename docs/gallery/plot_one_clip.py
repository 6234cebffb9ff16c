"""
One clip, three metrics
=======================

A prediction that starts late and grows blurred, frame by frame. The frames are made here; nothing is downloaded.
"""

# %%
# A small scene: a disc that moves. The prediction is three frames late, and its blur grows.
import torch
from matplotlib import pyplot as plt
from torchvision.transforms.functional import gaussian_blur

from thm_torchmetrics import Clip, TalkingHeadMetrics

T, SIZE = 50, 96
rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
center = 48 + 20 * torch.sin(torch.arange(T) / 6)
disc = ((rows - 48) ** 2 + (columns - center[:, None, None]) ** 2 < 14**2).float()
target = (60 + 150 * disc[:, None].expand(T, 3, SIZE, SIZE)).to(torch.uint8)
late = torch.cat([target[:1].expand(3, 3, SIZE, SIZE), target[:-3]])
preds = torch.stack([gaussian_blur(frame, 9, 0.1 + 2 * i / T) for i, frame in enumerate(late)])

# %%
# The collection decodes and measures the clip once for all members.
metrics = TalkingHeadMetrics(["psnr", "ssim", "cpbd"])
metrics.update(Clip(preds, fps=25), Clip(target, fps=25))
for name, value in metrics.compute().items():
    print(f"{name}: {value:.3f}")

# %%
# Frame by frame, to see where the error lies.
values = [TalkingHeadMetrics(["psnr", "ssim"])(preds[i : i + 1], target[i : i + 1]) for i in range(T)]
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7, 3.6), layout="constrained")
above.plot([float(value["psnr"]) for value in values])
above.set_ylabel("PSNR ↑ dB")
below.plot([float(value["ssim"]) for value in values])
below.set_ylabel("SSIM ↑")
below.set_xlabel("frame")
for panel in (above, below):
    panel.spines[["top", "right"]].set_visible(False)
