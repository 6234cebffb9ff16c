"""S3FD is the face detector of the SyncNet project.

Zhang et al., "S3FD: Single Shot Scale-invariant Face Detector", ICCV 2017; the variant of ``joonson/syncnet_python``
(``detectors/s3fd``), whose checkpoint ``sfd_face.pth`` (a bare state dict) fits key by key. face-alignment's detector
has other keys and another "fc6"; see `thm_torchmetrics.nets.s3fd_face_alignment`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu


class L2Norm(nn.Module):
    """The layer divides the features of a pixel by their norm and scales them per channel.

    1e-10 is added to the norm.

    Args:
        width: channels.
        scale: initial scale of every channel.
    """

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), scale, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape, ``(N, width, H, W)``."""
        length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10
        return x / length * self.weight[:, None, None]


class S3FD(nn.Module):
    """The detector computes raw outputs; `thm_torchmetrics.faces.boxes` decodes them.

    Input: float32 ``(N, 3, H, W)``, RGB minus (123, 117, 104), not divided.
    Output: two lists of six maps for the strides 4, 8, 16, 32, 64, 128: box offsets ``(N, 4, h, w)`` and logits
    ``(N, 2, h, w)`` of background and face, before the softmax. On the first map the background is already the maximum
    of its three channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.vgg = _trunk()
        self.L2Norm3_3 = L2Norm(256, 10.0)
        self.L2Norm4_3 = L2Norm(512, 8.0)
        self.L2Norm5_3 = L2Norm(512, 5.0)
        self.extras = nn.ModuleList(
            (
                nn.Conv2d(1024, 256, 1),
                nn.Conv2d(256, 512, 3, stride=2, padding=1),
                nn.Conv2d(512, 128, 1),
                nn.Conv2d(128, 256, 3, stride=2, padding=1),
            )
        )
        widths = (256, 512, 512, 1024, 512, 256)
        self.loc = nn.ModuleList(nn.Conv2d(width, 4, 3, padding=1) for width in widths)
        classes = (4, 2, 2, 2, 2, 2)
        self.conf = nn.ModuleList(nn.Conv2d(width, n, 3, padding=1) for width, n in zip(widths, classes, strict=True))
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return box offsets and logits per map of ``(N, 3, H, W)``."""
        maps = self._maps(channels_last_on_cpu(images))
        loc = [head(x) for head, x in zip(self.loc, maps, strict=True)]
        conf = [head(x) for head, x in zip(self.conf, maps, strict=True)]
        conf[0] = torch.cat((conf[0][:, :3].amax(dim=1, keepdim=True), conf[0][:, 3:]), dim=1)
        return loc, conf

    def _maps(self, x: Tensor) -> list[Tensor]:
        maps = []
        taps = {15: self.L2Norm3_3, 22: self.L2Norm4_3, 29: self.L2Norm5_3}
        for index, layer in enumerate(self.vgg):
            x = layer(x)
            if index in taps:
                maps.append(taps[index](x))
        maps.append(x)
        for index, layer in enumerate(self.extras):
            x = F.relu_(layer(x))
            if index % 2 == 1:
                maps.append(x)
        return maps


def _trunk() -> nn.ModuleList:
    """Make VGG-16's convolutions, then "fc6" and "fc7" as convolutions.

    The keys are positions in this list.
    """
    layers: list[nn.Module] = []
    width_in = 3
    for group, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for _ in range(depth):
            layers += [nn.Conv2d(width_in, width, 3, padding=1), nn.ReLU(inplace=True)]
            width_in = width
        layers.append(nn.MaxPool2d(2, ceil_mode=group == 2))  # the third pool alone rounds up
    layers += [nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(1024, 1024, 1), nn.ReLU(inplace=True)]
    return nn.ModuleList(layers)
