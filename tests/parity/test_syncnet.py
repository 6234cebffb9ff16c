"""SyncNet's embeddings against those of the original module."""

import cv2
import numpy as np
import pytest
import torch
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded

from thm_torchmetrics.nets.syncnet import SyncNet

ROWS = 4


@pytest.fixture(scope="module")
def net():
    return loaded(SyncNet(), "syncnet")


def frames(case, count):
    """The first frames of a case's clip, BGR as stored, ``(3, T, 224, 224)``."""
    clip = golden_input("syncnet", f"{case}_clip")[:count]
    if case == "C":
        clip = np.stack([cv2.resize(frame, (224, 224)) for frame in clip])
        assert (clip[:2] == golden("syncnet")["C_resized"]).all()
    return torch.from_numpy(clip).permute(3, 0, 1, 2).float()


def windows(mfcc):
    """MFCC ``(frames, 13)`` as the audio tower takes it, every fourth column."""
    return torch.from_numpy(mfcc.astype(np.float32)).T.unfold(1, 20, 4).transpose(0, 1)[:, None]


@pytest.mark.parametrize("case", ["A", "C"])
def test_lip_embeddings_window_by_window(net, case):
    clip = frames(case, ROWS + 4)
    with torch.inference_mode():
        found = net.forward_lip(torch.stack([clip[:, i : i + 5] for i in range(ROWS)]))
    expected = golden("syncnet")[f"{case}_im_feat"]
    assert deviation(found, expected[:ROWS], abs(expected).max()) <= TOLERANCE


@pytest.mark.parametrize("case", ["A", "B", "C"])
def test_lip_embeddings_of_a_clip_at_once(net, case):
    with torch.inference_mode():
        found = net.forward_lip_clip(frames(case, ROWS + 4))
    expected = golden("syncnet")[f"{case}_im_feat"]
    assert deviation(found, expected[:ROWS], abs(expected).max()) <= TOLERANCE


def test_last_windows_of_a_clip(net):
    clip = torch.from_numpy(golden_input("syncnet", "A_clip")[-7:]).permute(3, 0, 1, 2).float()
    with torch.inference_mode():
        found = net.forward_lip_clip(clip)  # of 60 frames, windows 53, 54 and one that the original leaves out
    expected = golden("syncnet")["A_im_feat"]
    assert len(expected) == 55
    assert deviation(found[:2], expected[53:], abs(expected).max()) <= TOLERANCE


def test_lip_features_before_the_head(net):
    with torch.inference_mode():
        found = net.lip_features(frames("A", 7)[None])
    assert deviation(found, golden("syncnet")["A_lipfeat"]) <= TOLERANCE


def test_rgb_instead_of_bgr_is_noticed(net):
    with torch.inference_mode():
        found = net.forward_lip_clip(frames("A", 5).flip(0))
    assert deviation(found, golden("syncnet")["A_im_feat"][:1]) > 100 * TOLERANCE


def test_audio_embeddings(net):
    expected = golden("syncnet")["A_cc_feat"]
    with torch.inference_mode():
        found = net.forward_audio(windows(golden("syncnet")["A_mfcc"])[: len(expected)])
    assert deviation(found, expected) <= TOLERANCE


@pytest.mark.parametrize("case", ["B", "C"])
def test_audio_embeddings_of_a_waveform(net, case):
    features = pytest.importorskip("python_speech_features")
    expected = golden("syncnet")[f"{case}_cc_feat"]
    mfcc = features.mfcc(golden_input("syncnet", f"{case}_wave"), 16000)
    with torch.inference_mode():
        found = net.forward_audio(windows(mfcc)[: len(expected)])
    assert deviation(found, expected) <= TOLERANCE


def test_forward_is_both_towers(net):
    clip = frames("A", 6)
    mfcc = windows(golden("syncnet")["A_mfcc"])
    with torch.inference_mode():
        lip, audio = net(clip.unfold(1, 5, 1).permute(1, 0, 4, 2, 3), mfcc[:2])
    for found, name in ((lip, "A_im_feat"), (audio, "A_cc_feat")):
        expected = golden("syncnet")[name]
        assert deviation(found, expected[:2], abs(expected).max()) <= TOLERANCE
