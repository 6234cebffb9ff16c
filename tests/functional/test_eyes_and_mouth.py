"""Eyes and mouth against the published programs and closed forms."""

import numpy as np
import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import blinks, closed_eyes, eye_aspect_ratio, eye_openness, mouth_ratio


def test_eye_aspect_ratio_and_blinks_are_talkingheadbench_s() -> None:
    landmarks = torch.full((80, 68, 2), 7.0, dtype=torch.float64)
    landmarks[:, 36:48] = torch.from_numpy(golden("motion")["eye_points"])
    assert np.abs(eye_aspect_ratio(landmarks).numpy() - golden("motion")["ear"]).max() < 1e-5
    found = blinks(closed_eyes(landmarks))
    assert len(found) == golden("motion")["blink_count"]
    closed = np.concatenate([np.arange(first, last) for first, last in found.tolist()])
    assert closed.tolist() == np.flatnonzero(golden("motion")["ear"] < 0.2).tolist()


def test_openness_is_that_of_the_survey() -> None:
    landmarks = torch.from_numpy(build.points68(golden_meta("motion")))
    assert eye_openness(landmarks).tolist() == pytest.approx(golden("motion")["survey_eye_openness"], rel=1e-12)


def test_the_survey_s_limit_is_among_the_closed() -> None:
    landmarks = torch.zeros(3, 68, 2, dtype=torch.float64)
    landmarks[:, [37, 38, 43, 44], 1] = torch.tensor([4.5, 4.500001, 4.0], dtype=torch.float64)[:, None]
    assert closed_eyes(landmarks, "survey").tolist() == [True, False, True]
    assert closed_eyes(landmarks, "survey", threshold=17).tolist() == [False, False, True]


def test_a_frame_without_a_face_has_open_eyes_and_no_ratio() -> None:
    landmarks = torch.zeros(3, 68, 2)
    landmarks[1, 0, 0] = torch.nan  # a point that no formula reads
    landmarks[2] = torch.inf
    assert closed_eyes(landmarks).tolist() == [True, True, False]
    assert mouth_ratio(landmarks).isnan().all()  # corners that coincide, too


def test_runs_at_the_ends_are_blinks() -> None:
    assert blinks(torch.tensor([True, False, True])).tolist() == [[0, 1], [2, 3]]
    assert blinks(torch.zeros(4, dtype=torch.bool)).shape == (0, 2)


def test_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"\(T, 68, 2\), got \(3, 66, 2\)"):
        mouth_ratio(torch.zeros(3, 66, 2))
    with pytest.raises(InputError, match="`protocol` must be one of 'talkingheadbench', 'survey'"):
        closed_eyes(torch.zeros(3, 68, 2), "ear")
