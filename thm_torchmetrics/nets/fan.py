"""FAN (2DFAN-4) maps one face crop to 68 heat maps by four stacked hourglasses.

Bulat and Tzimiropoulos, "How far are we from solving the 2D & 3D Face Alignment problem?", ICCV 2017; the network of
``1adrianb/face-alignment``, whose checkpoint ``2DFAN4-11f355bf06.pth.tar`` (a bare state dict) fits key by key.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.hourglass import ConvBlock, HourGlass
from thm_torchmetrics.nets.memory_format import channels_last_on_cpu

POINTS = 68
"""Landmarks, one heat map each."""


class FAN(nn.Module):
    """FAN computes one heat map for each of 68 facial landmarks.

    Input: float32 ``(N, 3, 256, 256)``, RGB / 255, nothing subtracted; the crops of
    `thm_torchmetrics.faces.fan.fan_geometry`.
    Output: float32 ``(N, 68, 64, 64)``, the last of the ``stacks`` sets of heat maps, which is the one to decode. The
    sets before it feed the next hourglass, so none of the work can be skipped.

    Args:
        stacks: number of hourglasses.
    """

    def __init__(self, stacks: int = 4) -> None:
        super().__init__()
        self.stacks = stacks
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = ConvBlock(64, 128)
        self.conv3 = ConvBlock(128, 128)
        self.conv4 = ConvBlock(128, 256)
        for i in range(stacks):
            self.add_module(f"m{i}", HourGlass(256, F.avg_pool2d))
            self.add_module(f"top_m_{i}", ConvBlock(256, 256))
            self.add_module(f"conv_last{i}", nn.Conv2d(256, 256, 1))
            self.add_module(f"bn_end{i}", nn.BatchNorm2d(256))
            self.add_module(f"l{i}", nn.Conv2d(256, POINTS, 1))
            if i < stacks - 1:
                self.add_module(f"bl{i}", nn.Conv2d(256, 256, 1))
                self.add_module(f"al{i}", nn.Conv2d(POINTS, 256, 1))
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return heat maps ``(N, 68, 64, 64)`` of ``(N, 3, 256, 256)``."""
        x = F.relu_(self.bn1(self.conv1(channels_last_on_cpu(images))))
        x = F.avg_pool2d(self.conv2(x), 2)
        x = self.conv4(self.conv3(x))
        for i in range(self.stacks):
            features = x
            for name in (f"m{i}", f"top_m_{i}", f"conv_last{i}", f"bn_end{i}"):
                features = self.get_submodule(name)(features)
            features = F.relu_(features)
            heatmap: Tensor = self.get_submodule(f"l{i}")(features)
            if i < self.stacks - 1:
                x = x + self.get_submodule(f"bl{i}")(features) + self.get_submodule(f"al{i}")(heatmap)
        return heatmap
