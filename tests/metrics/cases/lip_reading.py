"""Cases of lip reading: torchmetrics' error rates of texts, and SciPy's cosine of features."""

import scipy.spatial.distance
import torch
from metrics.cases.case import Case, ClipInputs, Reference, clip_mean, face_mean
from metrics.cases.identity import embeddings
from torchmetrics.text import CharErrorRate, WordErrorRate

_SAID = ("bin blue at f two now", "set red with b nine", "place white in q zero please", "lay green by é six")
_READ = ("bin blue at f two now", "set bed b nine again", "white in cue zero please", "lay green é six")


def _codes(text: str, length: int) -> torch.Tensor:
    """The code points of a text, with NaN behind it."""
    return torch.tensor([*map(ord, text), *[torch.nan] * (length - len(text))], dtype=torch.float64)


def _texts() -> list[ClipInputs]:
    lengths = [max(map(len, pair)) for pair in zip(_READ, _SAID, strict=True)]
    pairs = zip(_READ, _SAID, lengths, strict=True)
    return [{"preds": _codes(read, length), "target": _codes(said, length)} for read, said, length in pairs]


def _words(codes: torch.Tensor) -> str:
    return "".join(chr(int(code)) for code in codes if code == code)


def _rate(metric: type[WordErrorRate | CharErrorRate]) -> Reference:
    def value(clips: list[ClipInputs]) -> float:
        sides = [[_words(clip[side]) for clip in clips] for side in ("preds", "target")]
        return float(metric()(*sides))

    return value


TEXTS = ("wer", "cer")
"""The metrics whose given rows are the characters of a text."""

CASES = [
    Case("wer", _texts(), _rate(WordErrorRate)),
    Case("wer", _texts(), clip_mean(_rate(WordErrorRate)), {"average": "clip"}),
    Case("cer", _texts(), _rate(CharErrorRate)),
    *(
        Case(key, embeddings(), clip_mean(face_mean(lambda a, b: 1 - scipy.spatial.distance.cosine(a, b))))
        for key in ("lipscore", "avs-u", "avs-m", "avs-v")
    ),
]
