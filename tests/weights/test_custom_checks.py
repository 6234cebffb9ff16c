"""A user's own checkpoint: damaged archives, and tensors that no network can compute with."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from torch import Tensor, nn
from weights.server import make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError

SIZES = ((2, 3), (3,))


@pytest.fixture
def file(machine: Path, use_registry: Callable) -> Path:
    """Where a user's own file goes, in the place of ``net``."""
    use_registry(make_entry("net", b""))
    return machine / "own.pth"


def network() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def load(path: Path) -> dict[str, Tensor]:
    """What the pool does with a file: read it, and load it into the network."""
    net = network()
    weights.load_into(net, weights.load("net", path), "net")
    return net.state_dict()


def spoiled(value: float) -> Tensor:
    weight = network().weight.detach().clone()
    weight[1, 2] = value
    return weight


WEIGHT = network().weight.detach().clone()
UNUSABLE: dict[str, Callable[[], Tensor]] = {
    "NaN": lambda: spoiled(torch.nan),
    "infinity": lambda: spoiled(torch.inf),
    "negative infinity": lambda: spoiled(-torch.inf),
    "NaN in half": lambda: spoiled(torch.nan).half(),
    "infinity in bfloat16": lambda: spoiled(torch.inf).bfloat16(),
    "double beyond float32": lambda: spoiled(0).double() + 1e200,
    "complex": lambda: WEIGHT.to(torch.complex64),
    "complex half": lambda: WEIGHT.to(torch.complex32),
    "bool": lambda: WEIGHT > 0,
    "int64": lambda: WEIGHT.to(torch.int64),
    "int8": lambda: WEIGHT.to(torch.int8),
    "uint8": lambda: WEIGHT.abs().to(torch.uint8),
    "sparse": lambda: WEIGHT.to_sparse(),
    "sparse rows": lambda: WEIGHT.to_sparse_csr(),
    "meta": lambda: WEIGHT.to("meta"),
    "quantized": lambda: torch.quantize_per_tensor(WEIGHT, 0.1, 0, torch.qint8),
}


@pytest.mark.filterwarnings("ignore")  # sparse rows and quantized tensors are not what PyTorch recommends
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", UNUSABLE)
def test_weights_that_no_network_can_compute_with_are_refused_by_name(file: Path, kind: str, zipped: bool) -> None:
    held = {"module.weight": UNUSABLE[kind](), "module.bias": torch.zeros(2)}
    torch.save(held, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError) as error:
        load(file)
    assert "weight" in str(error.value)
    assert "bias" not in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_floating_point_that_fits_is_taken(file: Path, dtype: torch.dtype, zipped: bool) -> None:
    state = {key: value.to(dtype) for key, value in network().state_dict().items()}
    torch.save(state, file, _use_new_zipfile_serialization=zipped)
    loaded = load(file)
    assert all(torch.equal(loaded[key], state[key].float()) for key in state)


def test_views_of_a_larger_tensor_are_taken_and_views_that_repeat_it_are_not(file: Path) -> None:
    large = torch.arange(40.0).reshape(10, 4)
    torch.save({"weight": large[3:5, :3], "bias": large[0, :2]}, file)
    assert load(file)["weight"].tolist() == [[12, 13, 14], [16, 17, 18]]
    torch.save({"weight": torch.ones(1).expand(1 << 20, 1 << 20), "bias": torch.zeros(2)}, file)  # 4 TB as numbers
    with pytest.raises(WeightsError, match=r"larger than their data.*: weight"):
        load(file)


def test_counters_are_whole_numbers_and_stay_so(file: Path) -> None:
    net = nn.BatchNorm1d(2)
    torch.save(net.state_dict(), file)
    assert weights.load("net", file)["num_batches_tracked"].dtype == torch.int64
    weights.load_into(nn.BatchNorm1d(2), weights.load("net", file), "net")


def test_whole_numbers_are_taken_where_the_network_has_them() -> None:
    net = nn.Module()
    net.register_buffer("order", torch.tensor([2, 0, 1]))
    weights.load_into(net, {"order": torch.tensor([0, 1, 2])}, "net")
    assert net.order.tolist() == [0, 1, 2]


def test_many_faults_are_named_by_kind(file: Path) -> None:
    held = {f"n{i}": torch.full((2,), torch.nan) for i in range(6)} | {"c": torch.zeros(2, dtype=torch.complex64)}
    torch.save(held, file)
    with pytest.raises(WeightsError) as error:
        weights.load("net", file)
    assert "with NaN or infinity: n0, n1, n2, n3, ... (6 in all); of complex numbers: c" in str(error.value)
    assert str(file) in str(error.value)


def test_flipped_bit_in_a_zip_never_changes_a_weight(file: Path) -> None:
    """PyTorch reads a zip without its checksums."""
    torch.save(network().state_dict(), file)
    whole, truth = file.read_bytes(), network().state_dict()
    draw = numpy.random.default_rng(0)
    refused, silent = 0, 0
    for _ in range(300):
        flipped = bytearray(whole)
        flipped[draw.integers(len(whole))] ^= 1 << int(draw.integers(8))
        file.write_bytes(flipped)
        try:
            state = load(file)
        except WeightsError:
            refused += 1
            continue
        assert all(torch.equal(state[key], truth[key]) for key in truth)
        held = torch.load(file, weights_only=True)
        silent += not all(torch.equal(held[key], truth[key]) for key in truth)
    assert refused > 0
    assert silent == 0


def test_flipped_bit_that_pytorch_does_not_notice_is_told_as_damage(file: Path) -> None:
    torch.save(network().state_dict(), file)
    values = network().weight.detach().numpy().tobytes()
    body = file.read_bytes()
    at = body.index(values)
    file.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    assert not torch.equal(torch.load(file, weights_only=True)["weight"], network().weight)
    with pytest.raises(WeightsError, match=r"own\.pth is damaged: the checksum of \S+/data/0 differs"):
        load(file)


def test_archive_that_unpacks_to_more_than_it_has_is_not_read(file: Path) -> None:
    torch.save({"weight": torch.zeros(1 << 16), "bias": torch.zeros(2)}, file)
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, record in records.items():
            archive.writestr(name, record)
    with pytest.raises(WeightsError, match=r"unpacks to 26\d,\d{3} bytes, more than it has"):
        weights.load("net", file)


def test_published_file_is_taken_as_it_is(machine: Path, use_registry: Callable) -> None:
    """Its hash vouches for it, wherever it lies, and its numbers are not judged."""
    state = {"weight": torch.tensor([torch.inf])}
    path = machine / "cache" / "net.pth"
    path.parent.mkdir()
    torch.save(state, path)
    use_registry(make_entry("net", path.read_bytes()), make_entry("other", b""))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == weights.registry()["net"].sha256
    for file in (None, path):
        assert torch.equal(weights.load("net", file)["weight"], state["weight"])
    with pytest.raises(WeightsError, match="NaN or infinity"):
        weights.load("other", path)


@pytest.mark.parametrize(
    ("published", "body", "said"),
    [
        ("net.pth", b"<!doctype html><title>Sign in</title>", "is an HTML page"),
        ("net.pth", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("net.pth", b"", "is empty"),
        ("model.dat", b"", "is empty"),
        ("model.dat", b"PK\x03\x04 cut", "is a damaged zip archive, its end is missing, and not a dlib model"),
        ("model.dat", b"\x80\x02 a pickle", "is a PyTorch checkpoint, and not a dlib model"),
        ("model.dat", b"nothing known", "is a file of unknown type, and not a dlib model"),
        ("pack.zip", b"\x08\x07\x12 onnx", "is an ONNX model, and not a zip archive of ONNX models"),
        ("pack.zip", b"PK\x03\x04 cut", "is a damaged zip archive"),
    ],
)
def test_custom_file_of_another_type_is_refused_where_it_is_given(
    machine: Path, use_registry: Callable, published: str, body: bytes, said: str
) -> None:
    use_registry(make_entry("net", b"", file=published))
    (machine / "own").write_bytes(body)
    with pytest.raises(WeightsError, match=f"the file given for the checkpoint 'net' {said}"):
        weights.Checkpoints({"net": machine / "own"}).obtain("net")


def test_models_of_dlib_are_recognized() -> None:
    for name in ("dlib-68", "dlib-5", "dlib-resnet"):
        path = weights.locate(name).path
        assert weights.locate(name, path) == weights.Found(path, weights.registry()[name].sha256, custom=False)
