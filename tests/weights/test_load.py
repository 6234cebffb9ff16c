import io
import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from weights.server import make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch '{self.marker}'",)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return list(first) == list(second) and all(torch.equal(first[key], second[key]) for key in first)


@pytest.fixture
def file(machine: Path, use_registry: Callable) -> Path:
    """Where a user's own file goes; the registry knows ``net``, a bare state dict, and ``wrapped``."""
    use_registry(make_entry("net", b""), make_entry("wrapped", b"", wrapper="net_recon"))
    return machine / "own.pth"


@pytest.mark.parametrize("zipped", [True, False])
def test_bare_state_dict_zip_and_legacy(file: Path, zipped: bool) -> None:
    torch.save(network().state_dict(), file, _use_new_zipfile_serialization=zipped)
    assert zipfile.is_zipfile(file) == zipped
    state = weights.load("net", file)
    assert same(state, network().state_dict())
    assert type(state) is dict


def test_found_file_is_loaded_without_a_path(machine: Path, use_registry: Callable) -> None:
    buffer = io.BytesIO()
    torch.save(network().state_dict(), buffer)
    use_registry(make_entry("net", buffer.getvalue()))
    with pytest.raises(WeightsNotFoundError):
        weights.load("net")
    (machine / "cache").mkdir()
    (machine / "cache" / "net.pth").write_bytes(buffer.getvalue())
    assert same(weights.load("net"), network().state_dict())


@pytest.mark.parametrize("zipped", [True, False])
def test_file_laid_out_as_epoch_20(file: Path, zipped: bool) -> None:
    net = network()
    moments = {
        key: torch.zeros_like(value) for key, value in (("exp_avg", net[0].weight), ("exp_avg_sq", net[0].weight))
    }
    group = {"lr": 1e-4, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "params": [0]}
    adam = {"state": {0: {"step": 20, **moments}}, "param_groups": [group]}
    held = {"net_recon": net.state_dict(), "opt_00": adam, "sched_00": {"last_epoch": 20, "_last_lr": [1e-4]}}
    torch.save(held, file, _use_new_zipfile_serialization=zipped)
    assert same(weights.load("wrapped", file), net.state_dict())
    torch.save(net.state_dict(), file)  # a user may have taken the network out
    assert same(weights.load("wrapped", file), net.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False])
def test_file_with_the_states_of_real_optimisers(file: Path, zipped: bool) -> None:
    net = network()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=10, gamma=0.2)
    net(torch.zeros(2, 3, 4, 4)).sum().backward()
    optimiser.step()
    scheduler.step()
    held = {"net_recon": net.state_dict(), "opt_00": optimiser.state_dict(), "sched_00": scheduler.state_dict()}
    torch.save(held, file, _use_new_zipfile_serialization=zipped)
    assert same(weights.load("wrapped", file), net.state_dict())


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict", "module", "net_recon"])
def test_known_wrappers(file: Path, wrapper: str) -> None:
    torch.save({wrapper: network().state_dict(), "epoch": 3, "optimizer": {"state": {}}}, file)
    assert same(weights.load("net", file), network().state_dict())


def test_file_with_two_networks_is_not_guessed_at(file: Path) -> None:
    torch.save({"state_dict": network().state_dict(), "model": network().state_dict()}, file)
    with pytest.raises(WeightsError, match=r"several networks \(state_dict, model\)"):
        weights.load("net", file)


def test_registered_wrapper_is_taken_among_several_networks(file: Path) -> None:
    torch.save({"model": {"a": torch.zeros(1)}, "net_recon": network().state_dict()}, file)
    assert same(weights.load("wrapped", file), network().state_dict())


@pytest.mark.parametrize("prefix", ["module.", "module.module."])
def test_prefix_of_data_parallel_training_is_dropped(file: Path, prefix: str) -> None:
    torch.save(OrderedDict((prefix + key, value) for key, value in network().state_dict().items()), file)
    assert same(weights.load("net", file), network().state_dict())


def test_key_with_and_without_prefix_is_refused(file: Path) -> None:
    torch.save({"a": torch.zeros(1), "module.a": torch.ones(1)}, file)
    with pytest.raises(WeightsError, match="keys twice"):
        weights.load("net", file)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (torch.zeros(3), "holds a Tensor, not a state dict"),
        ([torch.zeros(3)], "holds a list"),
        ({}, "it is empty"),
        ({"weight": torch.zeros(1), "epoch": 3}, r"epoch \(int\), not tensors"),
        ({f"n{i}": i for i in range(9)}, r"n0 \(int\), .*n3 \(int\), \.\.\. \(9 in all\)"),
    ],
)
def test_other_contents_are_named(file: Path, held: object, said: str) -> None:
    torch.save(held, file)
    with pytest.raises(WeightsError, match=said):
        weights.load("net", file)


def evil_files(file: Path, evil: Evil) -> dict[str, Callable[[], object]]:
    held = {"state_dict": {"weight": torch.zeros(1)}, "extra": evil}
    return {
        "zip": lambda: torch.save(held, file),
        "legacy": lambda: torch.save(held, file, _use_new_zipfile_serialization=False),
        "pickle 0": lambda: file.write_bytes(pickle.dumps(evil, 0)),
        "pickle 2": lambda: file.write_bytes(pickle.dumps(evil, 2)),
        "pickle 5": lambda: file.write_bytes(pickle.dumps(evil, 5)),
    }


@pytest.mark.parametrize("way", evil_files(Path(), Evil(Path())))
def test_pickle_that_would_run_code_is_refused_and_not_run(file: Path, tmp_path: Path, way: str) -> None:
    marker = tmp_path / "marker"
    evil_files(file, Evil(marker))[way]()
    with pytest.raises(WeightsError, match="nothing in it was run"):
        weights.load("net", file)
    assert not marker.exists()


def test_the_same_pickle_runs_code_where_it_is_trusted(file: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save(Evil(marker), file)
    torch.load(file, weights_only=False)
    assert marker.exists()


def test_refusal_names_what_the_file_asks_for(file: Path, tmp_path: Path) -> None:
    torch.save(Evil(tmp_path / "marker"), file)
    with pytest.raises(WeightsError, match=r"own\.pth was refused.*asks for \w+\.system\."):
        weights.load("net", file)
    torch.save(network(), file)
    with pytest.raises(WeightsError, match=r"asks for torch\.nn\.modules\.container\.Sequential\."):
        weights.load("net", file)


def test_other_formats_are_named(file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), str(file))
    with pytest.raises(WeightsError, match="is a TorchScript archive"):
        weights.load("net", file)
    file.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match="is an HTML page"):
        weights.load("net", file)
    header = b'{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(WeightsError, match="is a safetensors file"):
        weights.load("net", file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("det_10g.onnx", b"")
    with pytest.raises(WeightsError, match="is a zip archive of ONNX models"):
        weights.load("net", file)


def test_onnx_model_is_named(file: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = Path(onnxruntime.__file__).with_name("datasets") / "mul_1.onnx"
    file.write_bytes(model.read_bytes())
    with pytest.raises(WeightsError, match="is an ONNX model"):
        weights.load("net", file)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_file_that_is_cut_short_is_called_damaged(file: Path, zipped: bool, kept: float) -> None:
    torch.save(network().state_dict(), file, _use_new_zipfile_serialization=zipped)
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    with pytest.raises(WeightsError, match="damaged"):
        weights.load("net", file)


def scrambled() -> nn.Sequential:
    net = network()
    for parameter in net.state_dict().values():
        parameter.add_(1)
    return net


def test_state_is_loaded() -> None:
    net = scrambled()
    weights.load_into(net, network().state_dict(), "net")
    assert same(net.state_dict(), network().state_dict())


def test_counters_of_batch_normalisation_may_be_missing_or_too_many() -> None:
    state = {key: value for key, value in network().state_dict().items() if "num_batches" not in key}
    net = scrambled()
    weights.load_into(net, state, "net")
    assert torch.equal(net[1].running_mean, network()[1].running_mean)
    bare = nn.Sequential(nn.Conv2d(3, 4, 3))
    first = {key: value for key, value in network().state_dict().items() if key[0] == "0"}
    weights.load_into(bare, first | {"0.num_batches_tracked": torch.tensor(1)}, "net")
    assert torch.equal(bare[0].weight, network()[0].weight)


def test_differences_are_named_and_nothing_is_loaded() -> None:
    state = network().state_dict()
    del state["0.bias"]
    state["3.weight"] = torch.zeros(5, 16)
    state |= {f"vgg.{i}.weight": torch.zeros(1) for i in range(6)}
    net = scrambled()
    with pytest.raises(WeightsError) as error:
        weights.load_into(net, state, "net")
    for said in (
        "checkpoint 'net' does not fit the network Sequential",
        "missing: 0.bias",
        "unexpected: vgg.0.weight, vgg.1.weight, vgg.2.weight, vgg.3.weight, ... (6 in all)",
        "of other shape: 3.weight (5, 16) where the network has (2, 16)",
    ):
        assert said in str(error.value)
    assert same(net.state_dict(), scrambled().state_dict())


def test_network_made_under_bfloat16_gets_every_bit() -> None:
    torch.set_default_dtype(torch.bfloat16)
    try:
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    finally:
        torch.set_default_dtype(torch.float32)
    assert net[0].weight.dtype == torch.bfloat16
    weights.load_into(net, network().state_dict(), "net")
    assert same(net.state_dict(), network().state_dict())
    assert net[0].weight.dtype == torch.float32
