"""EmoNet maps a face to expression, valence and arousal.

Toisoul et al., "Estimation of continuous valence and arousal levels from faces in naturalistic conditions", Nature
Machine Intelligence 2021; the network of ``face-analysis/emonet``, whose checkpoints ``emonet_8.pth`` and
``emonet_5.pth`` fit key by key once ``module.`` is removed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.hourglass import ConvBlock, HourGlass
from thm_torchmetrics.nets.memory_format import channels_last_on_cpu

POINTS = 68
"""Landmarks whose heat maps steer the attention."""


class EmoNet(nn.Module):
    """EmoNet estimates expression, valence and arousal of a face.

    Heat maps of landmarks are its attention.

    Input: float32 ``(N, 3, 256, 256)``, RGB / 255, nothing subtracted; exactly 256x256, the last pool needs it.
    Output, a dict of float32 tensors:

    - ``expression`` ``(N, n_expression)``: logits. 8: neutral, happy, sad, surprise, fear, disgust, anger, contempt;
      5: neutral, happy, sad, surprise, fear.
    - ``valence``, ``arousal`` ``(N,)``: not clamped; published statistics clamp both to [-1, 1].
    - ``heatmap`` ``(N, 68, 64, 64)``: the last hourglass's landmark maps.
    - ``features`` ``(N, 128)``: the input of the last linear layer.

    The original names its normalisations "instance norm", but swaps in BatchNorm when it is imported: all of them are
    BatchNorms with running statistics.

    Args:
        n_expression: number of expressions of the checkpoint, 8 or 5.
    """

    def __init__(self, n_expression: int = 8) -> None:
        super().__init__()
        self.n_expression = n_expression
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = ConvBlock(64, 128)
        self.conv3 = ConvBlock(128, 128)
        self.conv4 = ConvBlock(128, 256)

        self.m0 = HourGlass(256, F.max_pool2d)
        self.top_m_0 = ConvBlock(256, 256)
        self.conv_last0 = nn.Conv2d(256, 256, 1)
        self.bn_end0 = nn.BatchNorm2d(256)
        self.l0 = nn.Conv2d(256, POINTS, 1)
        self.bl0 = nn.Conv2d(256, 256, 1)
        self.al0 = nn.Conv2d(POINTS, 256, 1)

        self.m1 = HourGlass(256, F.max_pool2d)
        self.top_m_1 = ConvBlock(256, 256)
        self.conv_last1 = nn.Conv2d(256, 256, 1)
        self.bn_end1 = nn.BatchNorm2d(256)
        self.l1 = nn.Conv2d(256, POINTS, 1)

        self.conv1x1_input_emo_2 = nn.Conv2d(3 * 256, 256, 1)
        self.emo_net_2 = nn.Sequential(*(m for _ in range(4) for m in (ConvBlock(256, 256), nn.MaxPool2d(2))))
        self.emo_fc_2 = nn.Sequential(
            nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU(inplace=True), nn.Linear(128, n_expression + 2)
        )
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return expression, valence, arousal, heat maps and features of ``(N, 3, 256, 256)``."""
        x = F.relu_(self.bn1(self.conv1(channels_last_on_cpu(images))))
        x = F.max_pool2d(self.conv2(x), 2)
        x = self.conv4(self.conv3(x))

        first = F.relu_(self.bn_end0(self.conv_last0(self.top_m_0(self.m0(x)))))
        # of the first hourglass the feature after bl0 is kept, of the second the one before its heat maps
        kept = self.bl0(first)
        second = self.m1(x + kept + self.al0(self.l0(first)))
        second = F.relu_(self.bn_end1(self.conv_last1(self.top_m_1(second))))
        heatmap = self.l1(second)

        # the attention is the plain sum of the heat maps, and x is not multiplied by it
        attention = heatmap.sum(dim=1, keepdim=True)
        x = self.conv1x1_input_emo_2(torch.cat((x, kept * attention, second * attention), dim=1))
        pooled = F.avg_pool2d(self.emo_net_2(x), 4).flatten(1)

        features = self.emo_fc_2[:-1](pooled)
        output = self.emo_fc_2[-1](features)
        expression, valence, arousal = output.split((self.n_expression, 1, 1), dim=1)
        return {
            "expression": expression,
            "valence": valence[:, 0],
            "arousal": arousal[:, 0],
            "heatmap": heatmap,
            "features": features,
        }
