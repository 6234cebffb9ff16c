"""Compute the word error rate and the character error rate of given transcripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import ClipInput
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.transcripts import transcript_errors

Transcripts: TypeAlias = str | Sequence[str] | ClipInput


class WordErrorRate(TalkingHeadMetric, key="wer"):
    r"""Compute the word error rate of what a lip reader reads (WER), lower is better, at least 0.

    .. math:: \frac{\sum_n \text{insertions}_n + \text{deletions}_n + \text{substitutions}_n}{\sum_n \text{words}_n}

    over all clips. The transcripts are given: ``preds`` is what a network reads from the lips of the generated clip,
    ``target`` what was said, each a text, or a list of them. Protocol ``torchmetrics``: the value of torchmetrics'
    ``WordErrorRate``. Case and punctuation count, so bring both sides to one form. A clip whose target has no words is
    counted and not scored; an empty transcript of a generated clip lacks all words. A text can also be given as the
    Unicode code points of its characters, ``(L,)``, with NaN where there is none.

    Args:
        average: ``"frame"`` (default): all words of all clips weigh the same; ``"clip"``: the mean of the clips' rates.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if a number is no code point of a character.

    Example:
        >>> from thm_torchmetrics import WordErrorRate
        >>> metric = WordErrorRate()
        >>> metric.update(["bin blue at f two", "set red"], ["bin blue at s two now", "set red"])
        >>> metric.compute()
        tensor(0.2500, dtype=torch.float64)
    """

    feature_shape = ()
    counted = "clips"
    procedures: ClassVar[Mapping[str, Any]] = {"torchmetrics": transcript_errors}
    part: ClassVar[str] = "words"

    @property
    def frame_by_frame(self) -> bool:
        """Return False: transcripts differ in length."""
        return False

    def fields(self) -> Fields:
        """Return the sums of edits and words, and the numbers of clips."""
        return {"total": 1, "weight": 1, "scored": 1, "aligned": 1, "left_out": 1}

    def update(self, preds: Transcripts = None, target: Transcripts = None) -> None:
        """Add clips.

        Args:
            preds: the transcript or transcripts of the generated clips: a text, a list of texts, or code points.
            target: what was said in each, likewise.

        Raises:
            InputError: if an input is missing or holds neither texts nor code points.
            MismatchError: if there are not as many texts on both sides.
        """
        for name, value in (("preds", preds), ("target", target)):
            if not isinstance(value, str | Tensor | list | tuple | None):
                raise InputError(
                    f"{name} must be a text, a list of texts, or code points, got a {type(value).__name__}; pass "
                    f"list({name})"
                )
        super().update(_encoded(preds), _encoded(target))

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return TranscriptRun(self, preds, target)

    def value(self, sums: Sums) -> Tensor:
        """Return the edits per word."""
        return sums.total / sums.weight

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value."""
        aligned = self.tally(sums).aligned
        return f"the target has no {self.part} in {aligned} clips" if aligned else super().why_nan(sums)


class CharacterErrorRate(WordErrorRate, key="cer"):
    """Compute the character error rate of what a lip reader reads (CER), lower is better, at least 0.

    It is that of characters in place of words, blanks between words included. Protocol ``torchmetrics``: the value of
    torchmetrics' ``CharErrorRate`` of texts without blanks at their ends. For inputs see `WordErrorRate`.

    Example:
        >>> from thm_torchmetrics import CharacterErrorRate
        >>> CharacterErrorRate()("place red", "place bed")
        tensor(0.1111, dtype=torch.float64)
    """

    part = "characters"


class TranscriptRun(ClipRun[Any]):
    """The run keeps the transcripts of a clip, and compares them at its end."""

    def __init__(self, metric: WordErrorRate, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        super().__init__(metric, preds, target)
        self._texts = ["", ""]

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the characters of both sides."""
        for side, chunk in enumerate((preds, target)):
            if chunk is not None:
                self._texts[side] += _text(chunk.rows)

    def close(self) -> None:
        """Count the edits of the clip."""
        metric, sums = self.metric, self.sums
        sums.aligned = 1
        edits, length = metric.procedures[metric.protocol](*self._texts, unit=metric.part)
        if length:
            by_clip = metric.average == "clip"
            sums.total, sums.weight, sums.scored = edits / length if by_clip else edits, 1 if by_clip else length, 1
            self.detail = {"edits": edits, metric.part: length}


def _encoded(value: Any) -> Any:
    """Return texts as the code points of their characters; an empty one is a blank."""
    if isinstance(value, str):
        return torch.tensor([ord(character) for character in value or " "], dtype=torch.float64)
    return [_encoded(item) for item in value] if isinstance(value, list | tuple) else value


def _text(codes: Tensor) -> str:
    try:
        return "".join(chr(int(code)) for code in codes.tolist() if code == code)
    except (ValueError, OverflowError) as error:
        raise InputError("a transcript given as numbers holds Unicode code points, 0 to 1114111, or NaN") from error
