"""IResNet against the outputs of ArcFace's own module."""

import pytest
import torch
from parity.seeded import TOLERANCE, as_batch, deviation, golden, golden_input, loaded
from torch import nn

from thm_torchmetrics.nets.iresnet import iresnet18, iresnet50, iresnet100

NETS = {"iresnet18": (iresnet18, 4), "iresnet50": (iresnet50, 1), "iresnet100": (iresnet100, 1)}  # and rows to compute


@pytest.mark.parametrize("model", NETS)
def test_embeddings(model):
    make, rows = NETS[model]
    net = loaded(make(), model)
    plain = as_batch(golden_input(model, "images")[:rows])
    odd = as_batch(golden("iresnet18")["odd_resized"][:rows])
    with torch.inference_mode():
        embedding = net((torch.cat((plain, odd)) / 255 - 0.5) / 0.5)
    whole = golden(model)
    assert deviation(embedding[:rows], whole["embedding"][:rows], abs(whole["embedding"]).max()) <= TOLERANCE
    assert deviation(embedding[rows:], whole["odd_embedding"][:rows], abs(whole["odd_embedding"]).max()) <= TOLERANCE


def test_cosine():
    net = loaded(iresnet18(), "iresnet18")
    plain, odd = as_batch(golden_input("iresnet18", "images")[:2]), as_batch(golden("iresnet18")["odd_resized"])
    with torch.inference_mode():
        first, second = net((plain / 255 - 0.5) / 0.5), net((odd / 255 - 0.5) / 0.5)
    cosine = torch.cosine_similarity(first, second)
    assert deviation(cosine, golden("iresnet18")["cosine"], scale=1.0) <= 1e-5


def test_tolerance_is_fine_enough_to_notice_a_wrong_epsilon():
    net = loaded(iresnet18(), "iresnet18")
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eps = 2e-5
    with torch.inference_mode():
        embedding = net((as_batch(golden_input("iresnet18", "images")) / 255 - 0.5) / 0.5)
    assert 3e-5 < deviation(embedding, golden("iresnet18")["embedding"]) < 8e-5
