"""IResNet, the residual network of ArcFace, maps one face to 512 numbers.

Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019; the networks of
``deepinsight/insightface`` (``recognition/arcface_torch``), whose checkpoints (``backbone.pth``) fit key by key.
"""

from torch import Tensor, nn

_WIDTHS = (64, 128, 256, 512)
_EPS = 1e-5


class _Block(nn.Module):
    """The block is BN, conv, BN, PReLU, strided conv, BN, plus the shortcut.

    Nothing follows the sum.
    """

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(width_in, eps=_EPS)
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=_EPS)
        self.prelu = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width, eps=_EPS)
        self.downsample: nn.Module | None = None
        if stride != 1:
            shortcut = nn.Conv2d(width_in, width, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width, eps=_EPS))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        x = self.bn3(self.conv2(x))
        return x + shortcut


class IResNet(nn.Module):
    """IResNet embeds a face for recognition.

    Input: float32 ``(N, 3, 112, 112)``, RGB, ``(x / 255 - 0.5) / 0.5``, so -1..1; aligned faces, or whole frames in
    some protocols.
    Output: float32 ``(N, 512)``, not normalised; the last BatchNorm is part of the network.

    Args:
        depths: number of blocks in each of the four groups; every group halves the map, the first one too, but the stem
            does not.
    """

    def __init__(self, depths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, _WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0], eps=_EPS)
        self.prelu = nn.PReLU(_WIDTHS[0])
        self.layer1 = _group(_WIDTHS[0], _WIDTHS[0], depths[0])
        self.layer2 = _group(_WIDTHS[0], _WIDTHS[1], depths[1])
        self.layer3 = _group(_WIDTHS[1], _WIDTHS[2], depths[2])
        self.layer4 = _group(_WIDTHS[2], _WIDTHS[3], depths[3])
        self.bn2 = nn.BatchNorm2d(_WIDTHS[3], eps=_EPS)
        self.fc = nn.Linear(_WIDTHS[3] * 7 * 7, 512)
        self.features = nn.BatchNorm1d(512, eps=_EPS)
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings ``(N, 512)`` of ``(N, 3, 112, 112)``."""
        x = self.prelu(self.bn1(self.conv1(images)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        embedding: Tensor = self.features(self.fc(self.bn2(x).flatten(1)))
        return embedding


def _group(width_in: int, width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(_Block(width_in, width, 2), *(_Block(width, width, 1) for _ in range(depth - 1)))


def iresnet18() -> IResNet:
    """Make the 18-layer network (checkpoint ``arcface-r18``)."""
    return IResNet((2, 2, 2, 2))


def iresnet50() -> IResNet:
    """Make the 50-layer network (checkpoint ``arcface-r50``)."""
    return IResNet((3, 4, 14, 3))


def iresnet100() -> IResNet:
    """Make the 100-layer network (checkpoint ``arcface-r100``)."""
    return IResNet((3, 13, 30, 3))
