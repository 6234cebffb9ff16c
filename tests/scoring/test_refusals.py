"""Options of `score` that do not fit together, or cannot be used, are refused by name before any clip is read."""

from pathlib import Path
from typing import Any

import pytest

import thm_torchmetrics
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.progress import Progress


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.2, size=64)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "pairs": ({"pairs": "pairs.csv"}, "`pairs=` names the files of every clip, so it does not go with `data=`"),
    "confidence": ({"au_min_confidence": 2.0}, r"`au_min_confidence=2\.0`: it must lie in 0\.\.1"),
    "statistics of a shard": ({"shard": "1/2", "save_statistics": "out"}, "`save_statistics=` needs all clips"),
    "progress": ({"devices": 2, "progress": Progress()}, "`progress=` is of one process"),
    "features": ({"preds_features": {"psnr": "rows"}}, "psnr cannot be given features with `preds_features="),
    "one side": ({"metrics": "csim", "preds_features": {"csim": "rows"}}, "csim is given features, so it needs"),
    "weights": ({"weights": {"syncnet": __file__}}, r"no metric of this run uses 'syncnet'; they need no checkpoint"),
    "one text": ({"options": {"psnr.region": "face"}}, r"`options=` must be a mapping such as .*'psnr': .*'region'"),
    "a folder alone": ({"preds_features": "rows"}, r"`preds_features=` must be a mapping such as .*'lmd': 'DIR'"),
    "extractor": (
        {"metrics": "lmd", "extractor": {"lmd": "syncnet"}},
        r"`extractor=\{'lmd': 'syncnet'\}`: lmd has .*fan",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_named(sample: Path, name: str) -> None:
    given, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        thm_torchmetrics.score(**{"data": sample, "metrics": "psnr"} | given)


@pytest.mark.parametrize(
    ("option", "message"),
    [("cache", "cannot be used as a cache: Not a directory"), ("save_statistics", "cannot be made: Not a directory")],
)
def test_a_folder_that_cannot_be_made_is_named(sample: Path, tmp_path: Path, option: str, message: str) -> None:
    (tmp_path / "file").touch()
    metrics = {"cache": "psnr", "save_statistics": "fid"}[option]
    with pytest.raises(InputError, match=message):
        thm_torchmetrics.score(sample, metrics=metrics, **{option: tmp_path / "file" / "folder"})  # type: ignore[arg-type]
