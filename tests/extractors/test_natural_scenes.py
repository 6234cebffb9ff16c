"""NIQE and BRISQUE of frames: their files, and the scores of clips."""

from pathlib import Path

import pytest
import torch
from functional.scene_parameters import natural_scene, support_vectors, write_brisque, write_niqe
from functional.test_niqe import golden_frame
from torch import nn

from thm_torchmetrics import BlindSpatialQuality, NaturalImageQuality, PerceptualQuality, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError, WeightsError
from thm_torchmetrics.extractors.natural_scenes import read_natural_scene, read_support_vectors
from thm_torchmetrics.functional.brisque import blind_spatial_quality
from thm_torchmetrics.functional.niqe import natural_image_quality


def test_a_clip_has_the_mean_of_its_frames_by_the_file_s_parameters(tmp_path: Path) -> None:
    frames = torch.cat([golden_frame("demo_0"), golden_frame("demo_1"), torch.zeros(1, 3, 256, 256, dtype=torch.uint8)])
    files = {"niqe": write_niqe(tmp_path / "a.npz"), "brisque": write_brisque(tmp_path / "b")}
    metrics = TalkingHeadMetrics(["niqe", "niqe:mmagic-y", "brisque"], weights=files)
    values = metrics(frames)
    expected = natural_image_quality(frames[:2], *natural_scene()).mean()
    assert values["niqe"].item() == pytest.approx(expected.item(), rel=1e-12)
    assert values["niqe:mmagic-y"] != values["niqe"]
    expected = blind_spatial_quality(frames[:2], *support_vectors(), -153.591).mean()
    assert values["brisque"].item() == pytest.approx(expected.item(), rel=1e-12)
    assert {member.coverage for member in metrics.members().values()} == {2 / 3}


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"svm_type nu_svc\n"])
def test_damaged_files_are_refused_by_name(tmp_path: Path, body: bytes) -> None:
    for name, read in (("scene.npz", read_natural_scene), ("model", read_support_vectors)):
        file = tmp_path / name
        file.write_bytes(body)
        with pytest.raises(WeightsError, match=name):
            read(file, str(body))


def test_a_model_that_lacks_vectors_or_is_of_another_kind_is_refused(tmp_path: Path) -> None:
    text = write_brisque(tmp_path / "model").read_text(encoding="ascii")
    for i, wrong in enumerate(
        (text[:-3000], text.replace("rbf", "linear"), text.replace("36:", "37:"), text.replace("36:0", "36:nan"))
    ):
        file = tmp_path / f"wrong{i}"
        file.write_text(wrong, encoding="ascii")
        with pytest.raises(WeightsError, match=f"wrong{i}"):
            read_support_vectors(file, str(i))


class Brightness(nn.Module):
    """A network from frames to one score each, or to more."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.width = width

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=(1, 2, 3)).reshape(-1, 1).expand(-1, self.width)


@pytest.mark.parametrize("kind", [NaturalImageQuality, BlindSpatialQuality, PerceptualQuality])
def test_a_custom_network_gives_the_scores(kind: type) -> None:
    frames = torch.tensor([0, 51], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 3, 8, 8)
    assert kind(extractor=Brightness())(frames).item() == pytest.approx(0.1)
    with pytest.raises(InputError, match=r"one number per frame, got \(2, 3\)"):
        kind(extractor=Brightness(3)).update(frames)


def test_a_score_of_another_scale_is_an_error() -> None:
    with pytest.raises(InputError, match=r"a score is 3\.2, and 'q-align' ranges from 0 to 1"):
        PerceptualQuality(protocol="q-align").update(torch.tensor([0.4, 3.2]))
    assert PerceptualQuality(protocol="q-align-1-5")(torch.tensor([3.2])).item() == pytest.approx(3.2)
