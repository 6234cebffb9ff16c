"""torchvision's Inception-v3 computes the features of EAT's Fréchet distance."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import Inception3

from thm_torchmetrics.nets.inception import SIDE
from thm_torchmetrics.nets.memory_format import channels_last_on_cpu

_HEADS = ("AuxLogits", "dropout", "fc")
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class ImageNetInception(nn.Module):
    """The network is torchvision's, with the weights trained on ImageNet, which is not the network of FID.

    Input: float32 ``(N, 3, H, W)``, RGB, 0..1, any size. Output: float32 ``(N, 2048)``, the mean of the last block's
    maps.

    Two quirks of EAT's script are kept: red and blue are swapped, and the input is scaled to -1..1 before torchvision's
    own scaling, which expects 0..1 minus ImageNet's mean.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, layer in Inception3(init_weights=False).named_children():  # with the keys of the checkpoint
            self.add_module(name, layer)
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``(N, 2048)`` of RGB 0..1 ``(N, 3, H, W)``."""
        resized = F.interpolate(images.flip(1), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        mean, deviation = (torch.tensor(each, device=images.device)[:, None, None] for each in (_MEAN, _DEVIATION))
        x = channels_last_on_cpu((2.0 * resized - 1.0) * (deviation / 0.5) + (mean - 0.5) / 0.5)
        for name, layer in self.named_children():
            if name not in _HEADS:
                x = layer(x)
        return x.flatten(1)
