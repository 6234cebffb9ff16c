"""LibreFace's two networks map one aligned face to the intensities of twelve action units.

Chang et al., "LibreFace: An Open-Source Toolkit for Deep Facial Expression Analysis", WACV 2024; ``ihp-lab/LibreFace``.
Its checkpoints are dicts whose entry ``model`` fits key by key.

Input of both: float32 ``(N, 3, 224, 224)``, RGB / 255, normalised by ImageNet's mean and deviation
(`thm_torchmetrics.nets.libreface.normalize`); the crops of `thm_torchmetrics.faces.libreface_crop.libreface_crops`.
Output of both: float32 ``(N, 12)``, intensities 0..5 of AU 01 02 04 05 06 09 12 15 17 20 25 26.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models import resnet18

_UNITS = 12
_HIGHEST = 5.0  # FACS has five grades, A to E
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STEM = 48
_STAGES = ((48, 2), (96, 4), (192, 14), (1280, 1))  # RepVGG-A0: width and number of blocks


def normalize(crops: Tensor) -> Tensor:
    """Return 8-bit faces as the networks read them.

    Args:
        crops: ``(N, 3, 224, 224)`` uint8, RGB.

    Returns:
        The same shape, float32, ``(x / 255 - mean) / deviation`` by channel.
    """
    images = crops.to(torch.float32) / 255.0
    mean, deviation = images.new_tensor(_MEAN), images.new_tensor(_DEVIATION)
    return (images - mean[:, None, None]) / deviation[:, None, None]


class LibreFaceResNet18(nn.Module):
    """The network is a ResNet-18 with a head of two layers and a sigmoid.

    The trunk is torchvision's, without weights (nothing is downloaded).
    """

    def __init__(self) -> None:
        super().__init__()
        trunk = resnet18(weights=None)
        self.encoder = nn.Sequential(*list(trunk.children())[:-1])  # without the classifier
        self.classifier = _head(nn.Sigmoid())
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return intensities ``(N, 12)`` of ``(N, 3, 224, 224)``."""
        shares: Tensor = self.classifier(self.encoder(images).flatten(1))
        return _HIGHEST * shares


class LibreFaceRepVGG(nn.Module):
    """The network is a RepVGG-A0, in the form in which it was trained, with a head of two layers.

    Ding et al., "RepVGG: Making VGG-style ConvNets Great Again", CVPR 2021, as ``timm`` builds it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _RepVGGA0()
        self.classifier = _head()
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return intensities ``(N, 12)`` of ``(N, 3, 224, 224)``."""
        shares: Tensor = self.classifier(self.encoder(images))
        return (_HIGHEST * shares).clamp(0.0, _HIGHEST)


class _RepVGGA0(nn.Module):
    """The trunk maps ``(N, 3, H, W)`` to ``(N, 512)``."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Block(3, _STEM, 2)
        stages, width_in = [], _STEM
        for width, blocks in _STAGES:
            first = _Block(width_in, width, 2)
            stages.append(nn.Sequential(first, *(_Block(width, width, 1) for _ in range(blocks - 1))))
            width_in = width
        self.stages = nn.Sequential(*stages)
        # nothing stands between the two layers of the original
        self.head = nn.Sequential(OrderedDict(fc=nn.Sequential(nn.Linear(width_in, 1000), nn.Linear(1000, 512))))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.head(self.stages(self.stem(images)).mean(dim=(2, 3)))
        return features


class _Block(nn.Module):
    """The block adds a 3x3 convolution, a 1x1 one and, where the shape stays, the input, each after its own BN."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.identity = nn.BatchNorm2d(width) if width_in == width and stride == 1 else None
        self.conv_kxk = _convolution(width_in, width, 3, stride)
        self.conv_1x1 = _convolution(width_in, width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.conv_kxk(x) + self.conv_1x1(x)
        if self.identity is not None:
            total = total + self.identity(x)
        return total.relu()


def _convolution(width_in: int, width: int, size: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(width_in, width, size, stride=stride, padding=size // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=convolution, bn=nn.BatchNorm2d(width)))


def _head(*last: nn.Module) -> nn.Sequential:
    """Return the layers from 512 features to a share of the highest intensity for each unit."""
    return nn.Sequential(
        nn.Linear(512, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Dropout(0.1), nn.Linear(128, _UNITS), *last
    )
