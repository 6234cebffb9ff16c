"""How metrics agree with votes."""

from pathlib import Path

import numpy as np
import pytest
from comparison.results_of_models import model, two_models
from scipy import stats

from thm_torchmetrics.comparison.votes import Vote, agreements, read_votes
from thm_torchmetrics.errors import InputError

BOTH = {"ours": model({"psnr": [30.0, 31, 32, 33], "lpips": [0.1, 0.2, 0.3, 0.4]}),
        "base": model({"psnr": [29.0, 32, 32, 30], "lpips": [0.2, 0.1, 0.3, 0.5]})}  # fmt: skip


def vote(clip: int, winner: str, aspect: str = "", first: str = "ours", second: str = "base") -> Vote:
    return Vote(f"c{clip:02d}", first, second, winner, aspect)


def test_agreement_by_direction_with_equal_values_as_half() -> None:
    votes = [vote(0, "ours"), vote(1, "ours"), vote(2, "base"), vote(3, "base", first="base", second="ours")]
    psnr, lpips = agreements(BOTH, votes)
    assert (psnr.metric, psnr.value, psnr.votes, psnr.clips) == ("psnr", (1 + 0 + 0.5 + 0) / 4, 4, 4)
    assert lpips.value == (1 + 0 + 0.5 + 0) / 4
    assert psnr.interval is None


def test_ties_of_people_and_clips_without_a_value_are_counted_apart() -> None:
    votes = [vote(0, "ours"), vote(1, "tie"), vote(9, "base")]
    found = agreements(BOTH, votes)[0]
    assert (found.value, found.votes, found.ties, found.without_value) == (1.0, 1, 1, 1)
    assert agreements(BOTH, [vote(0, "tie")])[0].value is None


def test_aspects_are_told_apart() -> None:
    found = agreements(BOTH, [vote(0, "ours", "lips"), vote(0, "base", "head")])
    assert [(each.metric, each.aspect, each.value) for each in found[:2]] == [("psnr", "lips", 1), ("psnr", "head", 0)]


def test_the_interval_resamples_clips_with_all_their_votes() -> None:
    models = two_models(24, gain=0.4)
    agree = {
        clip.clip: clip.metrics["psnr"].value > other.metrics["psnr"].value
        for clip, other in zip(models["ours"].clips, models["base"].clips, strict=True)
    }
    votes = [vote(i, "ours") for i in range(24) for _ in range(5)]
    found = agreements(models, votes)[0]
    share = np.mean(list(agree.values()))
    assert found.value == pytest.approx(share)
    assert 0.5 < share < 1
    assert found.interval is not None
    exact = stats.binomtest(sum(agree.values()), 24).proportion_ci()
    assert found.interval.low == pytest.approx(exact.low, abs=0.09)
    assert found.interval.high == pytest.approx(min(exact.high, 1), abs=0.09)
    assert found.interval.units == found.clips == 24


def test_unknown_models_are_an_error() -> None:
    with pytest.raises(InputError, match="votes name 'wav2lip', and the models are ours, base"):
        agreements(BOTH, [Vote("c00", "ours", "wav2lip", "ours")])


def test_votes_are_read_from_csv(tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text("clip;model_a;model_b;winner;aspect\nc00;ours;base;ours;lips\nc01;ours;base;tie;\n")
    assert read_votes(file) == [vote(0, "ours", "lips"), vote(1, "tie")]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("\nc00,ours,base,a\n", "the winner 'a' of the clip 'c00' is none of 'ours', 'base' and 'tie'"),
        ("\n", "has no line after the first"),
        ("\nc00,ours\n", "line 2 has 2 cells for 4 columns"),
        ("\nc00,ours,ours,ours\n", "a vote on the clip 'c00' compares 'ours' with itself; name two models"),
        ("\n ,ours,base,ours\n", "line 2 names no clip"),
        (",Winner\nc00,ours,base,ours,base\n", "a column is named twice: clip, model_a, model_b, winner, winner"),
    ],
)
def test_votes_that_say_nothing_are_refused(lines: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("clip,model_a,model_b,winner" + lines)
    with pytest.raises(InputError, match=told):
        read_votes(tmp_path / "votes.csv")


def test_votes_on_clips_that_no_model_has_are_refused() -> None:
    with pytest.raises(InputError, match=r"both models have the clip of no vote: .* 1 clip \(c00\.mp4\), and ours has"):
        agreements(BOTH, [Vote("c00.mp4", "ours", "base", "ours")])


def test_composed_and_decomposed_names_of_clips_are_one(tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text("clip,model_a,model_b,winner\nu\u0308,ours,base,ours\n", encoding="utf-8")
    assert read_votes(file)[0].clip == "\u00fc"


def test_an_infinite_value_is_preferred_to_a_finite_one() -> None:
    models = {"ours": model({"psnr": [np.inf, np.inf]}), "base": model({"psnr": [30.0, np.inf]})}
    found = agreements(models, [vote(0, "ours"), vote(1, "base")])[0]
    assert (found.value, found.votes, found.without_value) == ((1 + 0.5) / 2, 2, 0)
