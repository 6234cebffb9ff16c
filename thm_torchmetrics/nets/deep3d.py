"""Deep3DFaceRecon's network maps one aligned face to 257 coefficients of a 3-D face model.

Deng et al., "Accurate 3D Face Reconstruction with Weakly-Supervised Learning", CVPRW 2019; ``ReconNetWrapper`` of
``sicxu/Deep3DFaceRecon_pytorch``. Its ``epoch_20.pth`` is a dict whose entry ``net_recon`` fits key by key. The face
model itself (BFM) is not needed for the coefficients.
"""

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

_HEADS = (80, 64, 80, 3, 27, 2, 1)  # the translation has two heads: x and y, then z


class Deep3DNet(nn.Module):
    """The coefficient regressor is a ResNet-50 with seven linear heads.

    Input: float32 ``(N, 3, 224, 224)``, RGB / 255, without ImageNet's mean and deviation; the crops of
    `thm_torchmetrics.faces.deep3d.crop`.
    Output: float32 ``(N, 257)``, identity 80, expression 64, texture 80, angles 3, lighting 27, translation 3.

    The trunk is torchvision's ResNet-50 without its classifier and without weights (nothing is downloaded). Like the
    original it strides in the 3x3 convolution of a bottleneck.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = resnet50(weights=None)
        self.backbone.fc = nn.Identity()
        self.final_layers = nn.ModuleList(nn.Conv2d(2048, width, 1) for width in _HEADS)
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return coefficients ``(N, 257)`` of ``(N, 3, 224, 224)``."""
        pooled = self.backbone(images)[:, :, None, None]
        return torch.cat([head(pooled) for head in self.final_layers], dim=1).flatten(1)
