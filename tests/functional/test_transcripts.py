"""Errors of transcripts against torchmetrics, on drawn texts."""

import random

import pytest
from torchmetrics.functional.text import char_error_rate, edit_distance as reference, word_error_rate

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.transcripts import edit_distance, transcript_errors


def drawn(draw: random.Random) -> str:
    words = ["".join(draw.choices("abé", k=draw.randint(1, 3))) for _ in range(draw.randint(1, 7))]
    return " ".join(words)


@pytest.mark.parametrize("seed", range(20))
def test_rates_are_those_of_torchmetrics(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    preds, target = drawn(draw), drawn(draw)
    for unit, rate in (("words", word_error_rate), ("characters", char_error_rate)):
        edits, length = transcript_errors(preds, target, unit)
        assert edits / length == pytest.approx(float(rate(preds, target)), rel=1e-6)
    assert edit_distance(preds, target) == int(reference(preds, target, reduction="sum"))


def test_blanks_divide_words_and_do_not_count_at_the_ends() -> None:
    assert transcript_errors(" a\n b\t", "a b", "words") == (0, 2)
    assert transcript_errors(" ab\n", "ab", "characters") == (0, 2)
    assert transcript_errors("", "a b", "words") == (2, 2)
    assert transcript_errors("a b", "", "words") == (2, 0)


def test_another_unit_is_an_error() -> None:
    with pytest.raises(InputError, match="unit"):
        transcript_errors("a", "b", "phonemes")
