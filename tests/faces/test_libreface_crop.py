"""LibreFace's alignment against what its own code gave, and against Pillow."""

import numpy as np
import pytest
import torch
from parity.seeded import golden, golden_input
from PIL import Image
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.libreface_crop import (
    eyes_and_mouth,
    libreface_crops,
    middle_of_lips,
    sample_squares,
    square_of_face,
)

CASES = ("inside", "small", "border", "large")
GOLDEN = golden("libreface_align")


def frame(case: str) -> Tensor:
    return torch.from_numpy(golden_input("libreface_align", case)).movedim(-1, 1)


def corners(case: str) -> Tensor:
    points = torch.from_numpy(GOLDEN[f"{case}_points"])[None].double()
    return square_of_face(points[:, :16].mean(dim=1), points[:, 16:32].mean(dim=1), middle_of_lips(points[:, 32:]))


def difference(crop: Tensor, case: str) -> np.ndarray:
    """The largest difference over the channels, by pixel."""
    return np.abs(crop[0].permute(1, 2, 0).numpy().astype(int) - GOLDEN[f"{case}_crop"]).max(axis=2)


def distance_to_border(case: str) -> np.ndarray:
    """How far inside the frame each pixel of the crop lies, in pixels of the frame."""
    place = (np.arange(224) + 16.5) / 256
    upper_left, lower_left, _, upper_right = GOLDEN[f"{case}_quad"]
    points = upper_left + place[None, :, None] * (upper_right - upper_left)
    points = points + place[:, None, None] * (lower_left - upper_left)
    size = np.array(frame(case).shape[:1:-1])
    return np.minimum(points, size - 1 - points).min(axis=2)


def face(x: float = 150, y: float = 150, size: float = 20, angle: float = 0.0) -> Tensor:
    """68 points with the eyes ``size`` to both sides and above, the mouth below, turned by an angle."""
    points = torch.zeros(68, 2, dtype=torch.float64)
    points[36:42] = torch.tensor([-size, -size])
    points[42:48] = torch.tensor([size, -size])
    points[48:] = torch.tensor([0.0, size])
    points[48, 0], points[54, 0] = -size / 2, size / 2
    cosine, sine = np.cos(angle), np.sin(angle)
    return points @ torch.tensor([[cosine, sine], [-sine, cosine]]) + torch.tensor([x, y])


@pytest.mark.parametrize("case", CASES)
def test_squares_are_the_original_s(case: str) -> None:
    np.testing.assert_allclose(corners(case)[0], GOLDEN[f"{case}_quad"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", ["inside", "small"])
def test_crops_inside_the_frame_are_the_original_s_to_the_byte(case: str) -> None:
    crop, found = sample_squares(frame(case), corners(case))
    assert found.tolist() == [True]
    assert difference(crop, case).max() == 0


@pytest.mark.parametrize(("case", "blurred"), [("border", 40), ("large", 200)])
def test_crops_that_leave_the_frame_are_the_original_s_away_from_its_blurred_border(case: str, blurred: int) -> None:
    crop, _ = sample_squares(frame(case), corners(case))
    inside = distance_to_border(case)
    assert (inside >= blurred).mean() > 0.3
    assert difference(crop, case)[inside >= blurred].max() == 0
    assert crop[0].amax(dim=0).numpy()[inside < -8].max(initial=0) == 0  # black, where a neighbour is far


def test_a_crop_is_what_pillow_makes_of_the_square() -> None:
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (400, 380, 3), dtype=np.uint8)
    for angle in (0.0, 0.3, -1.2, 3.0):
        landmarks = face(190, 200, 25, angle)[None]
        crop, _ = libreface_crops(torch.from_numpy(pixels).movedim(-1, 0)[None], landmarks)
        square = square_of_face(*eyes_and_mouth(landmarks))[0].numpy()
        picture = Image.fromarray(pixels).transform(
            (512, 512), Image.Transform.QUAD, (square + 0.5).flatten(), Image.Resampling.BILINEAR
        )
        expected = np.asarray(picture.resize((256, 256), Image.Resampling.BILINEAR))[16:240, 16:240]
        np.testing.assert_array_equal(crop[0].permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize("size", [150, 200, 260])
def test_a_square_of_more_than_1024_pixels_is_what_pillow_makes_of_the_shrunk_frame(size: int) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (2600, 2700, 3), dtype=np.uint8)
    landmarks = face(1350, 1250, size, 0.1)[None]
    crop, _ = libreface_crops(torch.from_numpy(pixels).movedim(-1, 0)[None], landmarks)
    square = square_of_face(*eyes_and_mouth(landmarks))[0].numpy()
    factor = {150: 2, 200: 3, 260: 4}[size]  # squares of 1200, 1600 and 2080 pixels
    picture = Image.fromarray(pixels).resize((round(2700 / factor), round(2600 / factor)), Image.Resampling.LANCZOS)
    picture = picture.transform(
        (512, 512), Image.Transform.QUAD, (square / factor + 0.5).flatten(), Image.Resampling.BILINEAR
    )
    expected = np.asarray(picture.resize((256, 256), Image.Resampling.BILINEAR))[16:240, 16:240]
    np.testing.assert_array_equal(crop[0].permute(1, 2, 0).numpy(), expected)


def test_a_long_face_has_a_square_of_its_height() -> None:
    points = torch.tensor([[[110.0, 100.0]], [[90.0, 100.0]], [[100.0, 200.0]]], dtype=torch.float64)
    # e = (20, 0), m = (0, 100): half an edge is max(40, 180), and the center lies at (100, 110)
    assert square_of_face(*points)[0].tolist() == [[-80, -70], [-80, 290], [280, 290], [280, -70]]


def test_an_upright_face_has_an_upright_square() -> None:
    square = square_of_face(*eyes_and_mouth(face()[None]))[0]
    # e = (40, 0), m = (0, 40): half an edge is max(80, 72), and the center lies 0.1 m below the eyes
    assert square.tolist() == [[70, 54], [70, 214], [230, 214], [230, 54]]


def test_the_square_turns_with_the_face() -> None:
    upright = square_of_face(*eyes_and_mouth(face()[None]))[0] - 150
    for angle in (0.5, -2.0, 3.1):
        turned = square_of_face(*eyes_and_mouth(face(angle=angle)[None]))[0] - 150
        cosine, sine = np.cos(angle), np.sin(angle)
        torch.testing.assert_close(turned, upright @ torch.tensor([[cosine, sine], [-sine, cosine]]))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_frame_without_a_face_is_black_and_changes_no_other(bad: float) -> None:
    frames = torch.randint(0, 256, (4, 3, 300, 300), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    lacking = face()
    lacking[0, 0] = bad  # a point that the alignment does not read
    no_extent = torch.full_like(face(), 50.0)
    crops, found = libreface_crops(frames, torch.stack([face(), lacking, no_extent, face(140)]))
    assert found.tolist() == [True, False, False, True]
    assert crops[1:3].max() == 0
    for i in (0, 3):
        alone, _ = libreface_crops(frames[i : i + 1], face(150 - 10 * (i == 3))[None])
        assert torch.equal(alone[0], crops[i])


def test_large_and_small_faces_share_a_batch() -> None:
    frames = torch.randint(0, 256, (5, 3, 900, 900), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    landmarks = torch.stack([face(450, 450, size) for size in (20, 150, 260, 30, 280)])
    crops, found = libreface_crops(frames, landmarks)
    assert found.all()
    for i in range(5):
        assert torch.equal(libreface_crops(frames[i : i + 1], landmarks[i : i + 1])[0][0], crops[i])


@pytest.mark.parametrize("size", [1e-3, 1e4, 1e9, 1e200, 1e308])
def test_faces_of_any_size_have_a_crop(size: float) -> None:
    frames = torch.full((1, 3, 30, 40), 200, dtype=torch.uint8)
    crops, _ = libreface_crops(frames, face(20, 15, size)[None])
    assert crops.shape == (1, 3, 224, 224)


def test_no_frames_give_no_crops() -> None:
    crops, found = libreface_crops(torch.zeros(0, 3, 50, 50, dtype=torch.uint8), torch.zeros(0, 68, 2))
    assert crops.shape == (0, 3, 224, 224)
    assert found.shape == (0,)


def test_any_layout_of_memory_gives_the_same_crop() -> None:
    frames = torch.randint(0, 256, (2, 3, 200, 300), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))
    landmarks = torch.stack([face(100, 100, 15), face(210, 90, 18)])
    expected, _ = libreface_crops(frames, landmarks)
    for other in (
        frames.contiguous(memory_format=torch.channels_last),
        frames.flip(3).flip(3),
        frames[:, [2, 1, 0]][:, [2, 1, 0]],
    ):
        assert torch.equal(libreface_crops(other, landmarks.float())[0], expected)


def test_wrong_shapes_are_refused() -> None:
    frames = torch.zeros(2, 3, 50, 50, dtype=torch.uint8)
    with pytest.raises(MismatchError, match="1 faces for 2 frames"):
        libreface_crops(frames, face()[None])
    with pytest.raises(InputError, match="landmarks"):
        libreface_crops(frames, torch.zeros(2, 5, 2))
    with pytest.raises(InputError, match="uint8"):
        libreface_crops(frames.float(), torch.stack([face(), face()]))
    with pytest.raises(InputError, match="corners"):
        sample_squares(frames, torch.zeros(2, 4, 2, dtype=torch.int64))
