"""EmoNet through its whole path: checkpoint file, loader, pool, network, crops."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from extractors.pictures import batch, chunk_of, face_and_none, portrait
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded, seeded_state

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.emotion import AFFECT, FEATURES, LOGITS, Emotion
from thm_torchmetrics.nets.emonet import EmoNet


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def emonet8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint as it is published, with its prefix."""
    path = tmp_path_factory.mktemp("weights") / "emonet_8.pth"
    torch.save({f"module.{key}": value for key, value in seeded_state("emonet8").items()}, path)
    return path


def scale(model: str) -> float:
    return max(float(abs(golden(model)[name]).max()) for name in ("expression", "valence", "arousal"))


def test_rows_are_the_original_s_outputs(emonet8: Path) -> None:
    stored = golden("emonet8")
    rows = Emotion.make("emonet8", emonet8).extract(Chunk(batch(golden_input("emonet8", "odd_images"))))
    assert rows.shape == (2, 138)
    affect, features = rows[:, AFFECT], rows[:, FEATURES]
    assert deviation(affect[:, 0], stored["odd_valence"], scale("emonet8")) <= TOLERANCE
    assert deviation(affect[:, 1], stored["odd_arousal"], scale("emonet8")) <= TOLERANCE
    assert deviation(rows[:, LOGITS], stored["odd_expression"], scale("emonet8")) <= TOLERANCE
    last = loaded(EmoNet(8), "emonet8").emo_fc_2[-1]
    assert deviation(last(features.clone()).detach()[:, :8], stored["odd_expression"], scale("emonet8")) <= TOLERANCE


@pytest.mark.slow
def test_the_network_of_five_expressions_gives_the_original_s_valence(tmp_path: Path) -> None:
    torch.save(seeded_state("emonet5"), tmp_path / "custom.pth")
    network = Emotion.make("emonet5", tmp_path / "custom.pth")
    rows = network.extract(Chunk(batch(golden_input("emonet5", "odd_images"))))
    assert deviation(rows[:, 0], golden("emonet5")["odd_valence"], scale("emonet5")) <= TOLERANCE


def test_the_face_is_cut_as_the_authors_loader_does(emonet8: Path) -> None:
    picture = portrait(256)
    made = make_extractor("emotion", "emonet8", emonet8, landmarks="dlib")
    points = made.landmarks.extract(chunk_of(picture))
    (left, top), (right, bottom) = points[0].amin(dim=0).tolist(), points[0].amax(dim=0).tolist()
    size = 256 * 1.1 / (right - left + bottom - top)
    matrix = np.array(
        [
            [size, 0, 128 - size * (left + right) / 2],
            [0, size, 128 - size * (top + bottom) / 2],
        ]
    )
    crop = np.asarray(cv2.warpAffine(picture, matrix, (256, 256)))
    images = batch(np.stack([crop, crop[:, ::-1]])).float() / 255
    with torch.inference_mode():
        valence = loaded(EmoNet(8), "emonet8")(images)["valence"]
    for mirror, expected in ((False, valence[0]), (True, valence.mean())):
        made = make_extractor("emotion", "emonet8", {"emonet8": emonet8}, landmarks="dlib", mirror=mirror)
        assert made.mirror is mirror
        assert made.extract(chunk_of(picture))[0, 0].item() == pytest.approx(expected.item(), abs=1e-4)


def test_a_frame_without_a_face_is_nan_and_changes_no_other(emonet8: Path) -> None:
    made = make_extractor("emotion", "emonet8", emonet8, landmarks="dlib")
    both, alone = made.extract(chunk_of(*face_and_none(256))), made.extract(chunk_of(portrait(256)))
    assert both[1].isnan().all()
    torch.testing.assert_close(both[:1], alone, rtol=0, atol=1e-3)
