"""CSIM and AED-ID: what each frame is compared with, and frames through the whole path with seeded weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from extractors.pictures import batch, face_and_none
from parity.seeded import golden, golden_input, seeded_state
from scipy.spatial.distance import cosine
from torch import Tensor, nn

from thm_torchmetrics import AverageEuclideanDistance, Clip, IdentitySimilarity, TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.score import Tally
from thm_torchmetrics.errors import InputError, MismatchError, WeightsNotFoundError
from thm_torchmetrics.extractors import release
from thm_torchmetrics.media.video import VideoFile


def embeddings(seed: int, count: int, missing: tuple[int, ...] = ()) -> Tensor:
    rows = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rows[list(missing)] = torch.nan
    return rows


def mean_cosine(rows: Tensor, identity: Tensor) -> float:
    values = [1 - cosine(row.numpy(), identity.numpy()) for row in rows if not row.isnan().any()]
    return sum(values) / len(values)


def metric(reference: Any, **options: Any) -> IdentitySimilarity:
    return IdentitySimilarity(extractor=None, reference=reference, **options)


def tally(measured: IdentitySimilarity) -> Tally:
    return measured.tally(measured.named(measured.sums))


@pytest.fixture(scope="module")
def r18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    release()
    path = tmp_path_factory.mktemp("weights") / "r18.pth"
    torch.save(seeded_state("iresnet18"), path)
    return path


@pytest.mark.parametrize("cuts", [(9,), (2, 9), (1, 2, 3, 4, 5, 6, 7, 8, 9)])
@pytest.mark.parametrize("reference", ["target-first", "preds-first"])
def test_frames_before_the_first_face_wait_for_it(reference: str, cuts: tuple[int, ...]) -> None:
    preds, target = embeddings(1, 9, (0, 1)), embeddings(2, 9, (0, 1, 2))
    measured = metric(reference)
    run = measured.start()
    for start, stop in zip((0, *cuts), cuts, strict=False):
        run.add(Chunk(preds[start:stop], start), Chunk(target[start:stop], start))
    measured.add(run.finish())
    expected = mean_cosine(preds, target[3] if reference == "target-first" else preds[2])
    assert measured.compute().item() == pytest.approx(expected, rel=1e-12)
    assert measured.coverage == 7 / 9


def test_lengths_may_differ_from_the_first_target_frame() -> None:
    preds, target = embeddings(1, 7), embeddings(2, 3)
    measured = metric("target-first")
    measured.update(preds, target)
    assert measured.compute().item() == pytest.approx(mean_cosine(preds, target[0]), rel=1e-12)
    assert tally(measured) == (7, 7, 0)
    with pytest.raises(MismatchError):
        metric("target-frame").update(preds, target)


def test_one_photo_for_all_or_one_per_clip() -> None:
    first, second, photos = embeddings(1, 4), embeddings(2, 6), embeddings(3, 2)
    for one in (photos[:1], photos[None, :1], [photos[:1]]):
        measured = metric("image")
        measured.update([first, second], one)
        expected = mean_cosine(torch.cat([first, second]), photos[0])
        assert measured.compute().item() == pytest.approx(expected, rel=1e-12)
    measured = metric("image", average="clip")
    measured.update([first, second], [photos[:1], photos[1:]])
    expected = (mean_cosine(first, photos[0]) + mean_cosine(second, photos[1])) / 2
    assert measured.compute().item() == pytest.approx(expected, rel=1e-12)
    with pytest.raises(MismatchError, match="preds holds 3 clips and target 2"):
        measured.update([first] * 3, [photos[:1], photos[1:]])


def test_a_photo_is_one_frame() -> None:
    measured = metric("image")
    with pytest.raises(InputError, match=r"a clip of one frame, as target; got 2 frames"):
        measured.update(embeddings(1, 4), embeddings(3, 2))
    assert not measured.sums.any()


def test_without_a_face_to_compare_with_nothing_is_scored() -> None:
    measured = metric("image")
    measured.update(embeddings(1, 4), embeddings(3, 1, (0,)))
    assert tally(measured) == (0, 4, 0)
    with pytest.warns(UserWarning, match="no|all 4 rows of the features hold NaN"):
        assert measured.compute().isnan()
    measured.update(embeddings(1, 4), embeddings(3, 1))  # the frames that waited have died with their run
    assert measured.compute().item() == pytest.approx(mean_cosine(embeddings(1, 4), embeddings(3, 1)[0]), rel=1e-12)
    assert measured.coverage == 0.5


class Counting(nn.Module):
    """Embeds a frame by its corner and counts frames."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = 0

    def forward(self, frames: Tensor) -> Tensor:
        self.frames += len(frames)
        return frames[:, :, :2, :2].flatten(1)


def test_the_network_sees_a_photo_once_and_a_target_to_its_first_face() -> None:
    frames = torch.randint(0, 256, (150, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = Counting()
    IdentitySimilarity(extractor=network, reference="image").update([frames[:10], frames[10:20]], frames[:1])
    assert network.frames == 21
    network.frames = 0
    IdentitySimilarity(extractor=network, reference="target-first").update(frames, frames)
    assert network.frames == 150 + 64  # the first chunk of the target


def test_identity_over_time_needs_no_target() -> None:
    preds = embeddings(1, 5)
    collection = TalkingHeadMetrics({"constancy": metric("preds-first"), "same": metric("target-frame")})
    collection.update(preds, preds)
    alone = metric("preds-first")
    alone.update(preds)
    expected = mean_cosine(preds, preds[0])
    assert collection.compute()["constancy"].item() == pytest.approx(expected, rel=1e-12)
    assert alone.compute().item() == pytest.approx(expected, rel=1e-12)


def test_a_collection_takes_a_photo() -> None:
    frames = torch.randint(0, 256, (2, 4, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    collection = TalkingHeadMetrics(["csim"], extractor=Counting(), reference="image")
    collection.update(frames, Clip(frames[0, :1]))
    single = IdentitySimilarity(extractor=Counting(), reference="image")
    single.update(frames, frames[0, :1])
    assert collection.compute()["csim"] == single.compute()


def test_references_and_widths_are_checked() -> None:
    with pytest.raises(InputError, match="reference must be one of 'target-frame'"):
        metric("photo")
    with pytest.raises(MismatchError, match=r"\(4, 6\) and \(4, 5\)"):
        metric("image").update(embeddings(1, 4), torch.ones(1, 5))


def test_whole_frames_give_the_original_s_cosine(r18: Path) -> None:
    preds, target = (batch(golden_input("iresnet18", name)[:2]) for name in ("images", "odd_images"))
    similarity = IdentitySimilarity(protocol="vico", extractor="arcface-r18", weights=r18)
    similarity.update(preds, target)
    assert similarity.compute().item() == pytest.approx(golden("iresnet18")["cosine"].mean(), abs=1e-5)
    distance = AverageEuclideanDistance(extractor="arcface-r18", weights=r18)
    distance.update(preds, target)
    assert distance.compute().item() == pytest.approx(2 - 2 * golden("iresnet18")["cosine"].mean(), abs=2e-5)


def test_a_pass_serves_both_metrics_and_a_missing_face_is_counted(r18: Path) -> None:
    passes: list[int] = []
    metrics = TalkingHeadMetrics(
        ["csim", "aed-id:aligned", "aed-id"], extractor="arcface-r18", landmarks="dlib", weights={"arcface-r18": r18}
    )
    network = metrics["csim"].extractor.network(torch.device("cpu"))
    hook = network.register_forward_hook(lambda *call: passes.append(len(call[1][0])))
    frames = batch(face_and_none())
    metrics.update(frames.flip(3), frames)
    hook.remove()
    assert passes == [2, 2, 2, 2]  # each side aligned, once for two metrics, and whole
    values = metrics.compute()
    assert values["aed-id:aligned"].item() == pytest.approx(2 - 2 * values["csim"].item(), rel=1e-9)
    assert {name: m.coverage for name, m in metrics.members().items()} == {
        "csim": 0.5, "aed-id:aligned": 0.5, "aed-id": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("protocol", ["aligned", "vico"])
def test_a_custom_module_sees_whole_frames_by_any_protocol(protocol: str) -> None:
    module = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    frames = batch(face_and_none())
    measured = IdentitySimilarity(protocol=protocol, extractor=module)
    measured.update(frames, frames.flip(3))
    with torch.inference_mode():
        sides = [module(side.float() / 255).double() for side in (frames, frames.flip(3))]
    expected = torch.nn.functional.cosine_similarity(*sides).mean()
    assert measured.compute().item() == pytest.approx(expected.item(), rel=1e-6)


def test_wrong_options_are_named(r18: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="landmarks must be 'fan', 'dlib', got 'mtcnn'"):
        IdentitySimilarity(extractor="arcface-r18", weights=r18, landmarks="mtcnn")
    with pytest.raises(InputError, match="face must be one of 'largest'"):
        IdentitySimilarity(extractor=None, face="biggest")
    for name in ("dlib", "insightface"):
        with pytest.raises(InputError, match="aligned faces only"):
            IdentitySimilarity(protocol="vico", extractor=name)
    monkeypatch.setenv("THM_OFFLINE", "1")
    with pytest.raises(WeightsNotFoundError, match=r"fan2d|fan-s3fd"):  # r18 is not the landmark network's file
        IdentitySimilarity(extractor="arcface-r18", weights=r18)


@pytest.mark.clips
@pytest.mark.slow
def test_the_same_person_scores_above_another(clips_extra: Path) -> None:
    names = ("radio42_daetalker", "radio51_iplap", "roskam_pcavs")
    sides = {
        (side, name): Clip(VideoFile(clips_extra / f"{side}_video" / f"{name}.mp4", every=25))
        for side in ("gt", "pred")
        for name in names
    }

    def csim(preds: str, target: str) -> float:
        measured = IdentitySimilarity(extractor="dlib", reference="target-first")
        measured.update(sides["pred", preds], sides["gt", target])
        return measured.compute().item()

    same = [csim(name, name) for name in names]
    others = [csim(first, second) for first, second in zip(names, names[1:] + names[:1], strict=True)]
    assert min(same) > max(others) + 0.02
