"""``thm score --save-statistics`` writes the real side, and ``--option KEY.target=FILE`` reads it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from thm_torchmetrics.cli import main


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    generator = np.random.default_rng(5)
    for side in ("preds", "target"):
        (tmp_path / side).mkdir()
        for clip in ("a", "b"):
            np.save(tmp_path / side / f"{clip}.npy", generator.normal(size=(200, 6)))
    return tmp_path


def run(*arguments: object) -> tuple[int, Any]:
    result = CliRunner().invoke(main, ["score", *map(str, arguments), "--format", "json"])
    return result.exit_code, json.loads(result.stdout) if result.exit_code == 0 else result.output


def test_a_second_run_needs_no_real_side(folders: Path) -> None:
    preds = [f"--preds-features={key}={folders / 'preds'}" for key in ("e-fid", "fid", "fvd")]
    target = [f"--target-features={key}={folders / 'target'}" for key in ("e-fid", "fid", "fvd")]
    asked = "e-fid:features,fid,fvd:styleganv"
    code, first = run("--metrics", asked, *preds, *target, "--save-statistics", folders / "stats")
    assert code == 0
    names = {"e-fid:features": "e-fid-features", "fid": "fid", "fvd:styleganv": "fvd-styleganv"}
    assert {path.stem for path in (folders / "stats").iterdir()} == set(names.values())
    options = [f"--option={key}.target={folders / 'stats' / name}.safetensors" for key, name in names.items()]
    code, second = run("--metrics", asked, *preds, *options)
    assert code == 0, second
    for name in names:
        assert second["metrics"][name]["value"] == pytest.approx(first["metrics"][name]["value"], rel=1e-12)
        assert second["metrics"][name]["detail"]["target_data"].startswith("2 clips, sha256 ")
        assert any("target=" in line for line in second["provenance"]["deviations"][name])


def test_an_option_without_a_set_metric_and_a_target_of_another_protocol_are_usage_errors(folders: Path) -> None:
    sides = [f"--{side}-features=fid={folders / side}" for side in ("preds", "target")]
    code, _ = run("--metrics", "fid", *sides, "--save-statistics", folders / "stats")
    assert code == 0
    path = folders / "stats" / "fid.safetensors"
    code, text = run(
        "--metrics", "fid:torch-fidelity", sides[0], f"--option=fid.target={path}", "--option=fid.num_features=6"
    )
    assert code == 2
    assert "of the protocol 'pytorch-fid', and the metric has" in " ".join(text.split())
    sides = [side.replace("fid=", "csim=") for side in sides]
    code, text = run("--metrics", "csim", *sides, "--save-statistics", folders / "stats")
    assert code == 2
    assert "--save-statistics: no metric of this run compares sets" in " ".join(text.split())
