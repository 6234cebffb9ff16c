"""SyncNet's embeddings of lips and sound beside the original's stored output, and networks of a user's own."""

from pathlib import Path

import pytest
import torch
from lipsync.stand_ins import SmallSyncNet, recording
from parity.seeded import TOLERANCE, deviation, golden, loaded
from torch import nn

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.syncnet import CustomSyncNetwork, SyncNetwork
from thm_torchmetrics.imaging.resize import resize
from thm_torchmetrics.lipsync.windows import mfcc_windows
from thm_torchmetrics.nets.syncnet import SyncNet

ROWS = 4


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.mark.parametrize("batch_size", [32, 3])
def test_embeddings_are_the_original_s_in_batches_of_any_size(sync_weights: dict[str, Path], batch_size: int) -> None:
    network = SyncNetwork.make("syncnet", sync_weights, batch_size=batch_size)
    frames, samples = recording("C")
    lips = network.lips(resize(frames[: ROWS + 4], (224, 224)))
    sounds = network.sounds(mfcc_windows(samples.float(), 0, ROWS))
    for found, name in ((lips, "C_im_feat"), (sounds, "C_cc_feat")):
        expected = golden("syncnet")[name]
        assert deviation(found, expected[:ROWS], abs(expected).max()) <= 5 * TOLERANCE


def test_a_custom_syncnet_of_the_same_weights_gives_the_same(sync_weights: dict[str, Path]) -> None:
    custom = make_extractor("syncnet", loaded(SyncNet(), "syncnet"))
    assert isinstance(custom, CustomSyncNetwork)
    network = SyncNetwork.make("syncnet", sync_weights)
    frames, samples = recording("C")
    shown, heard = resize(frames[: ROWS + 4], (224, 224)), mfcc_windows(samples.float(), 0, ROWS)
    with torch.no_grad():
        torch.testing.assert_close(custom.lips(shown), network.lips(shown), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(custom.sounds(heard), network.sounds(heard), rtol=1e-4, atol=1e-4)


def test_a_custom_syncnet_is_shown_bgr_windows_of_five_frames() -> None:
    shown: list[torch.Tensor] = []

    class Watched(SmallSyncNet):
        def forward_lip(self, windows: torch.Tensor) -> torch.Tensor:
            shown.append(windows)
            return super().forward_lip(windows)

    frames = torch.randint(0, 256, (8, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert make_extractor("syncnet", Watched()).lips(frames).shape[0] == 4
    (windows,) = shown
    assert (windows.shape, windows.dtype) == ((4, 3, 5, 224, 224), torch.float32)
    for start in range(4):
        for step in range(5):
            assert torch.equal(windows[start, :, step], frames[start + step].flip(0).float())


@pytest.mark.parametrize("method", ["forward_lip", "forward_audio"])
def test_a_module_without_a_method_is_named(method: str) -> None:
    module = nn.Identity()
    other = {"forward_lip", "forward_audio"} - {method}
    setattr(module, other.pop(), lambda windows: windows)
    with pytest.raises(InputError, match=f"needs the method {method}; Identity has none"):
        make_extractor("syncnet", module)


@pytest.mark.parametrize("method", ["forward_lip", "forward_audio"])
def test_a_custom_syncnet_that_gives_no_row_per_window_is_named(method: str) -> None:
    module = SmallSyncNet()
    wrong = {"tuple": lambda windows: (windows, windows), r"\(2, 15\)": lambda windows: torch.zeros(2, 15)}
    for words, output in wrong.items():
        setattr(module, method, output)
        custom = make_extractor("syncnet", module)
        call = custom.lips if method == "forward_lip" else custom.sounds
        shown = (8, 3, 224, 224) if method == "forward_lip" else (4, 1, 13, 20)
        with pytest.raises(InputError, match=words):
            call(torch.zeros(shown))


def test_the_network_and_its_detector_are_required() -> None:
    assert SyncNetwork.required("syncnet") == ("syncnet", "s3fd")
