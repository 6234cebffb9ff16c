"""Decoding of the two detectors against the originals: stored outputs of one, the installed package for the other."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from face_alignment.detection.sfd import detect as fan_detect
from face_alignment.detection.sfd.bbox import nms as fan_nms
from parity.seeded import golden
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.faces.boxes import (
    DetectorOutput,
    choose_face,
    fan_s3fd_faces,
    s3fd_candidates,
    s3fd_faces,
    s3fd_priors,
)

GOLDEN = golden("s3fd")
MAPS = {
    ("small", 0): [(24, 32), (12, 16), (6, 8), (3, 4), (2, 2), (1, 1)],
    ("scaled", 0): [(15, 20), (8, 10), (4, 5), (2, 2), (1, 1), (1, 1)],
    ("scaled", 1): [(31, 41), (16, 21), (8, 10), (4, 5), (2, 3), (1, 2)],
}
SIZES = {"small": (96, 128), "scaled": (250, 330)}
CASES = pytest.mark.parametrize(("case", "scale"), list(MAPS))


def stored(name: str) -> Tensor:
    return torch.from_numpy(GOLDEN[name])


def output(case: str, scale: int, copies: int = 1) -> DetectorOutput:
    """The stored flat outputs as maps, of a batch that repeats the image."""
    maps, size = MAPS[case, scale], tuple(GOLDEN[f"{case}_input_shape_{scale}"][-2:].tolist())
    split = [h * w for h, w in maps]
    layers = []
    for kind in ("loc", "conf"):
        parts = stored(f"{case}_{kind}_{scale}").split(split)
        layers.append([p.T.reshape(1, -1, h, w).repeat(copies, 1, 1, 1) for p, (h, w) in zip(parts, maps, strict=True)])
    return DetectorOutput(layers[0], layers[1], size)


@CASES
def test_priors(case: str, scale: int) -> None:
    got = s3fd_priors(MAPS[case, scale], output(case, scale).size)
    torch.testing.assert_close(got, stored(f"{case}_priors_{scale}"), rtol=0, atol=1e-6)


@CASES
def test_candidates(case: str, scale: int) -> None:
    expected = stored(f"{case}_det_{scale}")[:, [1, 2, 3, 4, 0]]
    for got in s3fd_candidates(output(case, scale, copies=3), float(GOLDEN[f"{case}_conf_th"])):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", ["small", "scaled"])
def test_faces(case: str) -> None:
    expected = stored(f"{case}_boxes")
    outputs = [output(case, scale, copies=2) for scale in range(len(GOLDEN[f"{case}_scales"]))]
    for got in s3fd_faces(outputs, SIZES[case], float(GOLDEN[f"{case}_conf_th"])):
        torch.testing.assert_close(got[:, :4], expected[:, :4], rtol=0, atol=1e-2)
        torch.testing.assert_close(got[:, 4], expected[:, 4], rtol=0, atol=1e-5)


def test_no_face_is_an_empty_table() -> None:
    got = s3fd_faces([output("small", 0)], SIZES["small"], 1.0)
    assert got[0].shape == (0, 5)
    assert got[0].dtype == torch.float64


def random_output(seed: int, batch: int) -> DetectorOutput:
    generator = torch.Generator().manual_seed(seed)
    size = (96 + 32 * seed, 128)
    loc = [torch.randn(batch, 4, size[0] // s, size[1] // s, generator=generator) for s in (4, 8, 16, 32)]
    conf = [torch.randn(batch, 2, size[0] // s, size[1] // s, generator=generator) * 3 for s in (4, 8, 16, 32)]
    return DetectorOutput(loc, conf, size)


def by_score_and_place(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return boxes[np.lexsort((boxes[:, 0], -boxes[:, 4]))]


@pytest.mark.parametrize("seed", range(4))
def test_face_alignment_decodes_the_same(seed: int) -> None:
    raw = random_output(seed, 2)
    for image, got in enumerate(fan_s3fd_faces(raw)):
        layers = []
        for loc, conf in zip(raw.loc, raw.conf, strict=True):
            layers += [conf[image : image + 1].softmax(dim=1).numpy(), loc[image : image + 1].numpy()]
        boxes = fan_detect.get_predictions(layers, 1)[0]
        boxes = boxes[fan_nms(boxes, 0.3)]
        boxes = boxes[boxes[:, 4] > 0.5]
        assert len(boxes) > 10
        assert (got[:, 4].diff() <= 0).all()
        # equal scores come in any order out of NumPy's sort, which differs from machine to machine
        np.testing.assert_allclose(by_score_and_place(got.numpy()), by_score_and_place(boxes), rtol=0, atol=2e-5)


def test_choice_of_a_face() -> None:
    boxes = torch.tensor(
        [[0.0, 0, 20, 20, 0.99], [40, 40, 70, 70, 0.95], [45, 50, 55, 60, 0.9], [0, 0, 5, 5, 0.6]], dtype=torch.float64
    )
    expected = {"largest": 1, "first": 0, "last": 3, "center": 2}
    for rule, row in expected.items():
        assert choose_face(boxes, rule, (110, 100)) == row
        assert choose_face(boxes[:, :4], rule, (110, 100)) == row
        assert choose_face(boxes[:0], rule, (110, 100)) is None


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="'biggest'"):
        choose_face(torch.zeros(1, 5), "biggest")
    with pytest.raises(InputError, match=r"size=\(height, width\)"):
        choose_face(torch.zeros(1, 5), "center")
    with pytest.raises(InputError, match=r"\(k, 4 or 5\), got \(5,\)"):
        choose_face(torch.zeros(5))
    with pytest.raises(InputError, match="none"):
        s3fd_faces([], (4, 4))


def test_no_more_than_750_boxes_leave_the_network() -> None:
    loc = torch.zeros(1, 4, 80, 80)
    loc[:, 2:] = -20.0  # boxes far smaller than the cells, so that none is suppressed
    conf = torch.randn(1, 2, 80, 80, generator=torch.Generator().manual_seed(0)) * 0.01
    conf[:, 1] += 9.0
    raw = DetectorOutput([loc], [conf], (320, 320))
    got = s3fd_candidates(raw)[0]
    assert got.shape == (750, 5)
    scores = conf.softmax(dim=1)[0, 1].flatten().sort(descending=True).values
    torch.testing.assert_close(got[:, 4], scores[:750])
