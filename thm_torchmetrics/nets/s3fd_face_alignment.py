"""S3FD is the face detector of the face-alignment package.

Zhang et al., "S3FD: Single Shot Scale-invariant Face Detector", ICCV 2017; the variant of ``1adrianb/face-alignment``
(``detection/sfd``), whose checkpoint ``s3fd-619a316812.pth`` (a bare state dict) fits key by key. It differs from
`thm_torchmetrics.nets.s3fd_syncnet` in its keys, in "fc6" (padding 3, not dilated: the map grows by four cells) and in
the third pool, which rounds down like the others.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu
from thm_torchmetrics.nets.s3fd_syncnet import L2Norm

_GROUPS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
_TAPS = {"conv3_3": (256, 10.0), "conv4_3": (512, 8.0), "conv5_3": (512, 5.0)}  # width and initial scale
_HEADS = {"conv3_3_norm": 256, "conv4_3_norm": 512, "conv5_3_norm": 512, "fc7": 1024, "conv6_2": 512, "conv7_2": 256}


class FanS3FD(nn.Module):
    """The detector computes raw outputs; `thm_torchmetrics.faces.boxes` decodes them.

    Input: float32 ``(N, 3, H, W)``, **BGR** minus (104, 117, 123), not divided, at the image's own size.
    Output: two lists of six maps for the strides 4, 8, 16, 32, 64, 128: box offsets ``(N, 4, h, w)`` and logits
    ``(N, 2, h, w)`` of background and face, before the softmax. On the first map the background is already the maximum
    of its three channels.
    """

    def __init__(self) -> None:
        super().__init__()
        width_in = 3
        for group, (width, depth) in enumerate(_GROUPS, start=1):
            for i in range(1, depth + 1):
                self.add_module(f"conv{group}_{i}", nn.Conv2d(width_in, width, 3, padding=1))
                width_in = width
        self.fc6 = nn.Conv2d(512, 1024, 3, padding=3)
        self.fc7 = nn.Conv2d(1024, 1024, 1)
        self.conv6_1 = nn.Conv2d(1024, 256, 1)
        self.conv6_2 = nn.Conv2d(256, 512, 3, stride=2, padding=1)
        self.conv7_1 = nn.Conv2d(512, 128, 1)
        self.conv7_2 = nn.Conv2d(128, 256, 3, stride=2, padding=1)
        for name, (width, scale) in _TAPS.items():
            self.add_module(f"{name}_norm", L2Norm(width, scale))
        for name, width in _HEADS.items():
            self.add_module(f"{name}_mbox_conf", nn.Conv2d(width, 4 if name == "conv3_3_norm" else 2, 3, padding=1))
            self.add_module(f"{name}_mbox_loc", nn.Conv2d(width, 4, 3, padding=1))
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return box offsets and logits per map of ``(N, 3, H, W)``."""
        maps = self._maps(channels_last_on_cpu(images))
        loc = [self.get_submodule(f"{name}_mbox_loc")(x) for name, x in maps.items()]
        conf = [self.get_submodule(f"{name}_mbox_conf")(x) for name, x in maps.items()]
        conf[0] = torch.cat((conf[0][:, :3].amax(dim=1, keepdim=True), conf[0][:, 3:]), dim=1)
        return loc, conf

    def _maps(self, x: Tensor) -> dict[str, Tensor]:
        maps: dict[str, Tensor] = {}
        for group, (_, depth) in enumerate(_GROUPS, start=1):
            for i in range(1, depth + 1):
                x = F.relu_(self.get_submodule(f"conv{group}_{i}")(x))
            if f"conv{group}_{depth}" in _TAPS:
                name = f"conv{group}_{depth}_norm"
                maps[name] = self.get_submodule(name)(x)
            x = F.max_pool2d(x, 2)
        for name in ("fc6", "fc7", "conv6_1", "conv6_2", "conv7_1", "conv7_2"):
            x = F.relu_(self.get_submodule(name)(x))
            if name in _HEADS:
                maps[name] = x
        return maps
