"""Which entries of the bibliography a metric cites, by key, protocol and network."""

from __future__ import annotations

from collections.abc import Mapping

_BY_KEY: Mapping[str, tuple[str, ...]] = {
    "ssim": ("wang2004ssim",),
    "cpbd": ("narvekar2011cpbd",),
    "lpips": ("zhang2018lpips",),
    "fid": ("heusel2017fid",),
    "kid": ("binkowski2018kid",),
    "fvd": ("unterthiner2018fvd", "carreira2017i3d"),
    "e-fid": ("tian2024emo",),
    "ms-ssim": ("wang2003msssim",),
    "niqe": ("mittal2013niqe",),
    "brisque": ("mittal2012brisque",),
    "vl": ("pechpacheco2000laplacian",),
    "csim": ("zakharov2019fewshot",),
    **dict.fromkeys(
        (f"{side}-{error}" for side in ("v", "a") for error in ("rmse", "sagr", "pcc", "ccc")), ("toisoul2021emonet",)
    ),
    "pose-error": ("guo2024liveportrait",),
    **dict.fromkeys(("lip-leak", "lipscore"), ("bigata2025keysync",)),
    "lve": ("richard2021meshtalk",),
    "fdd": ("xing2023codetalker",),
    **dict.fromkeys(("mtm", "slcc"), ("chae2025perceptually",)),
    **dict.fromkeys(
        ("lse-d", "lse-c", "av-offset", "lse-d-gap", "lse-c-gap"), ("chung2016syncnet", "prajwal2020wav2lip")
    ),
    **dict.fromkeys(("esd", "bsd"), ("chen2020survey",)),
    **dict.fromkeys(("csim-seq", "lmd-seq", "pose-seq", "expression-seq"), ("zhang2026aligned", "cuturi2017softdtw")),
    "lpips-seq": ("zhang2026aligned", "cuturi2017softdtw", "zhang2018lpips"),
    "lse-d-seq": ("zhang2026aligned", "cuturi2017softdtw", "chung2016syncnet"),
}
_BY_PROTOCOL: Mapping[str, tuple[str, ...]] = {
    "piq": ("kastryulin2022piq",),
    "torchmetrics": ("detlefsen2022torchmetrics",),
    "global-mse": ("detlefsen2022torchmetrics",),
    "skimage": ("vanderwalt2014skimage",),
    "pytorch-fid": ("seitzer2020pytorchfid",),
    "torch-fidelity": ("obukhov2020torchfidelity",),
    **dict.fromkeys(("eat", "eat-m", "eat-f"), ("gan2023eat",)),
    "vico": ("zhou2022vico",),
    "latentsync": ("li2024latentsync",),
    "mochabench": ("wei2025mocha",),
    "atvg": ("chen2019atvg",),
    **dict.fromkeys(("talkinggaussian", "talkinggaussian-static", "mean-of-frames"), ("li2024talkinggaussian",)),
    "instag": ("li2024talkinggaussian", "li2025instag"),
    "logits": ("gan2023eat",),
    "emonet-top3": ("cha2025emotalkinggaussian",),
    "clean-fid": ("parmar2022cleanfid",),
    "videogpt": ("yan2021videogpt",),
    "styleganv": ("skorokhodov2022styleganv",),
    "cd-fvd": ("ge2024cdfvd",),
    "hallo": ("xu2024hallo",),
    "float": ("ki2025float",),
    "talklip": ("wang2023talklip",),
    "vbench": ("huang2024vbench",),
    **dict.fromkeys(("q-align", "q-align-1-5"), ("wu2024qalign",)),
    "sadtalker": ("zhang2023sadtalker",),
    "kdtalker": ("yang2025kdtalker",),
    "bailando": ("siyao2022bailando",),
    "aist": ("li2021aist",),
    "vasa": ("xu2024vasa",),
    **dict.fromkeys(("glo", "exp", "dglo", "dexp"), ("jiang2024loopy",)),
    "talkingheadbench": ("soukupova2016blink",),
    "survey": ("chen2020survey",),
    **dict.fromkeys(("theval", "theval-68"), ("quignon2025theval",)),
    "facediffuser": ("stan2023facediffuser",),
    "codetalker": ("xing2023codetalker",),
    "emotalk": ("peng2023emotalk",),
    "diffposetalk": ("sun2024diffposetalk",),
    "av-hubert": ("yaman2024avs",),
    "fomm": ("siarohin2019fomm",),
    "styleheat": ("yin2022styleheat",),
}
_BY_NETWORK: Mapping[str, tuple[str, ...]] = {
    "fan": ("bulat2017fan",),
    "dlib": ("king2009dlib",),
    **dict.fromkeys(
        ("arcface-r100", "arcface-r100-glint360k", "arcface-r50", "arcface-r18", "insightface"), ("deng2019arcface",)
    ),
    **dict.fromkeys(("emonet8", "emonet5"), ("toisoul2021emonet",)),
    **dict.fromkeys(("deep3d", "deep3d-2023"), ("deng2019deep3d",)),
    "openface-au": ("baltrusaitis2018openface",),
    **dict.fromkeys(("libreface", "libreface-resnet18"), ("chang2024libreface",)),
}
_OPENFACE_TABLES = ("aue", "aue-u", "aue-l")


def citations_of(key: str, protocol: str, network: str | None = None) -> tuple[str, ...]:
    """Return the entries of `bibliography.ENTRIES` that a value cites: of its metric, protocol and network.

    Args:
        key: the metric, without a protocol.
        protocol: the protocol.
        network: the name of the extractor; None if there is none, or if features or tables were given.

    Example:
        >>> citations_of("csim", "vico", "dlib")
        ('zakharov2019fewshot', 'zhou2022vico', 'king2009dlib')
    """
    of_network = _BY_NETWORK.get(network or "", ())
    if key in _OPENFACE_TABLES and network is None:
        of_network = _BY_NETWORK["openface-au"]
    return tuple(dict.fromkeys((*_BY_KEY.get(key, ()), *_BY_PROTOCOL.get(protocol, ()), *of_network)))
