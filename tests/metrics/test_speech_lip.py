"""The correlation of speech and lips: the original's golden numbers, persons with one clip, and the command."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from parity import build
from parity.seeded import golden, golden_meta
from scipy import stats

from thm_torchmetrics import SpeechLipCorrelation, TalkingHeadMetrics
from thm_torchmetrics.cli import main
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.errors import InputError, MismatchError

GOLDEN = golden("mtm_slcc")
ORDER = GOLDEN["slcc_order"].tolist()
UNIQUE = int(GOLDEN["slcc_mouth_map_unique"])
MOUTH = sorted([*range(UNIQUE), 8, 10, 110, 112])
"""The original's list by place, with the four that it has twice."""


def clip(frames: int, level: float, lips: float, seed: int = 0) -> dict[str, Any]:
    """A clip whose speech has this level in whole numbers, and whose lips this intensity."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(frames, 1, 3, generator=generator, dtype=torch.float64)
    steps *= lips / torch.linalg.vector_norm(steps, dim=2, keepdim=True)
    samples = level * (-1.0) ** torch.arange(200, dtype=torch.float64) / 32768
    return {"preds": steps.cumsum(dim=0), "audio": samples}


def z_scores(values: list[float], names: list[str]) -> list[float]:
    """The program's z-scores by person, NaN where there is none."""
    found = []
    for value, name in zip(values, names, strict=True):
        own = [each for each, other in zip(values, names, strict=True) if other == name]
        spread = np.std(own, ddof=1) if len(own) > 1 else np.nan
        found.append((value - np.mean(own)) / spread if spread else np.nan)
    return found


def expected(speech: list[float], lips: list[float], names: list[str]) -> float:
    """The program's value: z-scores by person, those without one dropped, and SciPy's correlation."""
    x, y = z_scores(speech, names), z_scores(lips, names)
    kept = [(a, b) for a, b in zip(x, y, strict=True) if not np.isnan(a + b)]
    return float(stats.pearsonr(*zip(*kept, strict=True))[0])


def golden_clips() -> list[dict[str, Any]]:
    """The golden clips; the audio is the mean of both channels."""
    clips = []
    for name in ORDER:
        person, level, number = name.split("/")
        inputs = golden_meta("mtm_slcc"), f"{person}_happy_{level}_{number}", range(UNIQUE), int(level[-1])
        lips, stereo = build.slcc_clip(*inputs)
        clips.append({"preds": torch.from_numpy(lips), "audio": torch.from_numpy(stereo.mean(axis=1) / 32768)})
    return clips


def measured(metric: SpeechLipCorrelation, inputs: dict[str, Any]) -> dict[str, float]:
    """Speech and lips of one clip."""
    one = SpeechLipCorrelation(lips=metric.lips.numbers, identities="x")
    run = one.start()
    run.add(*(next(iter(clip.chunks())) for clip in one_sided(inputs)))
    run.finish()
    return run.detail


def one_sided(inputs: dict[str, Any]) -> list[FeatureClip]:
    return [FeatureClip(inputs[name]) for name in ("preds", "audio")]


def test_intensities_and_correlation_are_those_of_the_original() -> None:
    metric = SpeechLipCorrelation(lips=MOUTH, identities="M003,W011")
    for name, inputs, speech, lips in zip(
        ORDER, golden_clips(), GOLDEN["slcc_speech_rms"], GOLDEN["slcc_lip_intensity"], strict=True
    ):
        found = measured(metric, inputs)
        assert found["speech"] == pytest.approx(speech, rel=1e-12)
        assert found["lips"] == pytest.approx(lips, rel=1e-12)
        metric.update(**inputs, labels=name[:4])
    assert float(metric.compute()) == pytest.approx(float(GOLDEN["slcc_overall"]), abs=1e-9)
    assert metric.coverage == 1


def test_vertices_that_are_listed_twice_count_twice() -> None:
    once = SpeechLipCorrelation(lips=range(UNIQUE), identities="x")
    assert measured(once, golden_clips()[0])["lips"] != pytest.approx(GOLDEN["slcc_lip_intensity"][0], rel=1e-6)


def test_loud_mono_sound_does_not_wrap_around() -> None:
    loud = torch.tensor([30000, -30000] * 50, dtype=torch.int16)
    metric = SpeechLipCorrelation(lips=[0], identities="x")
    for audio in (loud, loud / 32768, (loud / 32768).half()):
        found = measured(metric, {"preds": torch.zeros(3, 1, 3), "audio": audio})
        assert found["speech"] == pytest.approx(30000, rel=1e-3 if audio.dtype == torch.float16 else 1e-9)


def test_persons_with_one_clip_or_alike_clips_are_left_out_and_counted() -> None:
    names = ["A", "B", "B", "B", "C", "C", "D", "D"]
    speech = [900.0, 100.0, 200.0, 150.0, 300.0, 300.0, 500.0, 700.0]
    lips = [1.0, 0.3, 0.4, 0.5, 0.1, 0.9, 0.7, 0.2]
    metric = SpeechLipCorrelation(lips=[0], identities="A,B,C,D")
    for i, name in enumerate(names):
        metric.update(**clip(9, speech[i], lips[i], seed=i), labels=name)
    assert float(metric.compute()) == pytest.approx(expected(speech, lips, names), abs=1e-12)
    assert metric.coverage == 5 / 8
    detail = metric.detail()
    assert detail is not None
    assert detail["not_scored"] == {"speech alike in all clips of a person": 2, "only clip of a person": 1}
    assert detail["identities"]["A"] == {"value": None, "clips": 1}
    assert detail["identities"]["D"]["value"] == pytest.approx(-1)


def test_no_person_with_two_clips_is_nan_with_the_reason() -> None:
    metric = SpeechLipCorrelation(lips=[0], identities="A,B")
    for name in "AB":
        metric.update(**clip(5, 100, 1), labels=name)
    with pytest.warns(UserWarning, match=r"none of 2 clips has a z-score \(only clip of a person: 2\)"):
        assert metric.compute().isnan()
    assert metric.coverage == 0


@pytest.mark.parametrize(("offset", "tolerance"), [(1e2, 1e-9), (1e4, 1e-6), (1e5, 1e-4)])
def test_a_large_mean_beside_a_small_deviation_costs_digits_and_no_more(offset: float, tolerance: float) -> None:
    """The sums are raw moments; both sides lie at ``offset`` deviations from zero."""
    generator = np.random.default_rng(3)
    names = ["A", "B"] * 20
    noise = generator.normal(size=(40, 2)) @ np.array([[1, 0.6], [0, 0.8]])
    speech, lips = (100 * (1 + noise[:, k] / offset) for k in (0, 1))
    metric = SpeechLipCorrelation(lips=[0], identities="A,B")
    for i, name in enumerate(names):
        metric.update(**clip(6, speech[i], lips[i], seed=i), labels=name)
    assert float(metric.compute()) == pytest.approx(expected(list(speech), list(lips), names), abs=tolerance)


def test_deviations_below_the_rounding_of_sums_are_none_and_give_no_number() -> None:
    metric = SpeechLipCorrelation(lips=[0], identities="A")
    for i in range(6):
        metric.update(**clip(6, 100 * (1 + 1e-9 * i), 5 + 1e-10 * i, seed=i))
    with pytest.warns(UserWarning, match="alike in all clips of a person: 6"):
        assert metric.compute().isnan()


def test_merged_states_of_other_persons_and_of_none_agree() -> None:
    names, shares = ["A", "B", "A", "B", "B"], [[0, 1], [2, 3, 4], []]
    speech, lips = [100.0, 250.0, 300.0, 200.0, 220.0], [0.1, 0.5, 0.4, 0.2, 0.1]
    whole = expected(speech, lips, names)
    merged = SpeechLipCorrelation(lips=[0], identities="A,B")
    for share in shares:
        part = SpeechLipCorrelation(lips=[0], identities="A,B")
        for i in share:
            part.update(**clip(5 + i, speech[i], lips[i], seed=i), labels=names[i])
        merged.merge_state(part)
    assert float(merged.compute()) == pytest.approx(whole, abs=1e-12)


def test_clips_that_cannot_be_measured_are_counted_by_reason() -> None:
    metric = SpeechLipCorrelation(lips=[0], identities="A")
    for i in range(3):
        metric.update(**clip(5, 100 + i, 1 + i**2, seed=i))
    gap = clip(5, 100, 1)
    gap["preds"][2] = torch.nan
    for inputs in (gap, {**clip(1, 100, 1)}, {**clip(5, 100, 1), "audio": torch.zeros(0)}):
        metric.update(**inputs)
    assert not metric.compute().isnan()
    assert metric.coverage == 0.5
    detail = metric.detail()
    assert detail is not None
    assert detail["not_scored"] == {"no sound": 1, "no motion": 1, "gap": 1}


@pytest.mark.parametrize(
    ("options", "inputs", "error", "words"),
    [
        ({"lips": [0]}, {"labels": "A"}, InputError, "needs `identities`"),
        ({"identities": "A"}, {}, InputError, "needs `lips`"),
        ({"lips": [0], "identities": "A,A"}, {}, InputError, "different names"),
        ({"lips": [0], "identities": "A,B"}, {}, InputError, "needs `labels`"),
        ({"lips": [0], "identities": "A,B"}, {"labels": "C"}, InputError, "of A, B, got 'C'"),
        ({"lips": [0], "identities": "A,B"}, {"labels": ["A", "B"]}, MismatchError, "1 clips and labels 2"),
        ({"lips": [0], "labels": "^[^_]+"}, {}, InputError, "needs `identities`, the names to find"),
        ({"lips": [9], "identities": "A"}, {}, InputError, "vertex 9"),
        ({"lips": [0], "identities": "A"}, {"audio": torch.full((9,), 7.0)}, InputError, "float audio"),
        ({"lips": [0], "identities": "A"}, {"audio": torch.zeros(2, 9)}, InputError, "1 clips and audio 2"),
        ({"lips": [0], "identities": "A"}, {"preds": torch.zeros(4, 2)}, InputError, r"preds must be"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(options: Any, inputs: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        SpeechLipCorrelation(**options).update(**{**clip(5, 100, 1), **inputs})


def test_in_a_collection_it_is_itself() -> None:
    made = TalkingHeadMetrics({"slcc": SpeechLipCorrelation(lips=[0], identities="A,B")})
    for i in range(4):
        made.update(**clip(5, 100 + i, 1 + i**2, seed=i), labels="A")
    lips = [1.0, 2.0, 5.0, 10.0]
    assert float(made.compute()["slcc"]) == pytest.approx(np.corrcoef([100, 101, 102, 103], lips)[0, 1])


def write_wave(path: Path, samples: Any) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", ""))
        file.writeframes(np.asarray(samples, "<i2").tobytes())


@pytest.mark.parametrize("source", ["table", "pattern"])
def test_the_command_reads_vertices_sound_and_persons(tmp_path: Path, source: str) -> None:
    names = ["M3_1", "M3_2", "M3_3", "W1_1", "W1_2", "X_1"]
    speech, lips = [100, 300, 200, 900, 400, 50], [0.1, 0.2, 0.4, 0.7, 0.3, 0.2]
    for folder in ("rows", "sound"):
        (tmp_path / folder).mkdir()
    for i, name in enumerate(names):
        made = clip(9, speech[i], lips[i], seed=i)
        np.save(tmp_path / "rows" / f"{name}.npy", made["preds"].numpy())
        write_wave(tmp_path / "sound" / f"{name}.wav", (made["audio"] * 32768).round().numpy())
    (tmp_path / "lips.txt").write_text("0\n")
    (tmp_path / "who.csv").write_text("clip,identity\n" + "".join(f"{name},{name[:2]}\n" for name in names[:5]))
    out = tmp_path / "out.json"
    words = ["score", "--metrics", "slcc", "--preds-features", f"slcc={tmp_path / 'rows'}", "-o", str(out),
             "--option", f"slcc.lips={tmp_path / 'lips.txt'}"]  # fmt: skip
    assert "needs audio: give --audio" in CliRunner().invoke(main, words).output
    words += ["--audio", str(tmp_path / "sound")]
    assert "give --option slcc.labels=FILE.csv" in CliRunner().invoke(main, words).output
    words += ["--option", f"slcc.labels={tmp_path / 'who.csv' if source == 'table' else '^[MW][0-9]'}"]
    words += ["--option", "slcc.identities=M3,W1"] if source == "pattern" else []
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 3, done.output  # the last clip has no label
    result = json.loads(out.read_text())
    found = result["metrics"]["slcc"]
    assert found["value"] == pytest.approx(expected(speech[:5], lips[:5], [name[:2] for name in names[:5]]), abs=1e-9)
    assert found["coverage"] == pytest.approx(5 / 6)
    assert [each["status"] for each in result["clips"]] == ["ok"] * 5 + ["failed"]
