"""The last step of SyncNet against the stored output of the original and torch's own pairwise distance."""

import numpy as np
import pytest
import torch
from parity.seeded import golden
from torch import Tensor
from torch.nn.functional import pad, pairwise_distance

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import lipsync
from thm_torchmetrics.functional.lipsync import sync_distances, sync_scores

GOLDEN = golden("syncnet")


def stored(name: str) -> Tensor:
    return torch.from_numpy(np.asarray(GOLDEN[name]))


@pytest.mark.parametrize(
    ("lip", "audio", "case", "suffix", "vshift"),
    [
        *((f"{c}_im_feat", f"{c}_cc_feat", c, "", 15) for c in "ABC"),
        *(("feats_im", "feats_cc", "feats", f"_{v}", v) for v in (10, 15)),
    ],
)
def test_stored_output_of_the_original(lip: str, audio: str, case: str, suffix: str, vshift: int) -> None:
    distances = sync_distances(stored(lip), stored(audio), vshift)
    expected = stored(f"{case}_dists{suffix}").to(torch.float64)
    torch.testing.assert_close(distances, expected, rtol=0, atol=2e-5 * float(expected.max()))
    mean = distances.mean(dim=0)
    torch.testing.assert_close(mean, stored(f"{case}_mdist{suffix}").to(torch.float64), rtol=0, atol=1e-4)
    scores = sync_scores(mean)
    assert float(scores.distance) == pytest.approx(float(GOLDEN[f"{case}_mindist{suffix}"]), abs=1e-4)
    assert float(scores.confidence) == pytest.approx(float(GOLDEN[f"{case}_conf{suffix}"]), abs=1e-4)
    assert int(scores.offset) == int(GOLDEN[f"{case}_offset{suffix}"])


def reference(lip: Tensor, audio: Tensor, vshift: int) -> Tensor:
    padded = pad(audio, (0, 0, vshift, vshift))
    return torch.stack([pairwise_distance(lip, padded[k : k + len(lip)]) for k in range(2 * vshift + 1)], dim=1)


@pytest.mark.parametrize("vshift", [0, 1, 15, 40])
@pytest.mark.parametrize("windows", [1, 31, 32, 33, 100])
def test_pairwise_distance(windows: int, vshift: int) -> None:
    generator = torch.Generator().manual_seed(windows)
    lip, audio = (torch.randn(windows, 16, generator=generator, dtype=torch.float64) * 5 for _ in range(2))
    expected = reference(lip, audio, vshift)
    torch.testing.assert_close(sync_distances(lip, audio, vshift), expected, rtol=1e-9, atol=1e-9)


def test_equal_embeddings_are_at_the_epsilon() -> None:
    lip = torch.randn(50, 1024, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 30
    middle = sync_distances(lip, lip, 2)[:, 2]
    torch.testing.assert_close(middle, torch.full_like(middle, 32e-6), rtol=0, atol=1e-4)


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    lip, audio = (torch.randn(200, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    whole = sync_distances(lip, audio)
    monkeypatch.setattr(lipsync, "_CHUNK", 64)
    torch.testing.assert_close(sync_distances(lip, audio), whole)


def test_late_audio_has_a_negative_offset() -> None:
    lip = torch.randn(60, 8, generator=torch.Generator().manual_seed(2))
    late = torch.cat([torch.zeros(4, 8), lip[:-4]])
    assert int(sync_scores(sync_distances(lip, late).mean(dim=0)).offset) == -4


def test_many_curves_at_once_use_the_lower_middle() -> None:
    curves = torch.rand(5, 2, 31, generator=torch.Generator().manual_seed(3))
    scores = sync_scores(curves)
    ordered = curves.sort(dim=-1).values
    torch.testing.assert_close(scores.confidence, ordered[..., 15] - ordered[..., 0])
    torch.testing.assert_close(scores.offset, 15 - torch.from_numpy(curves.numpy().argmin(-1)))


def test_no_windows_no_rows() -> None:
    assert sync_distances(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0, 31)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"\(3, 4\), \(2, 4\)"):
        sync_distances(torch.zeros(3, 4), torch.zeros(2, 4))
    with pytest.raises(InputError, match=r"\(30,\)"):
        sync_scores(torch.zeros(30))
