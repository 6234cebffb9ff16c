"""The open table holds every extractor, and `make_extractor` makes them."""

from __future__ import annotations

from typing import Any, Protocol

from torch import nn

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.base import CustomModule
from thm_torchmetrics.extractors.dlib import DlibEmbedding, DlibLandmarks
from thm_torchmetrics.extractors.emotion import Emotion
from thm_torchmetrics.extractors.face3d import RELEASES, Deep3D
from thm_torchmetrics.extractors.head_pose import Deep3DPose, PerspectivePose
from thm_torchmetrics.extractors.i3d import CustomClipNetwork, I3d
from thm_torchmetrics.extractors.identity import ArcFace
from thm_torchmetrics.extractors.imagenet_inception import InceptionOnImageNet
from thm_torchmetrics.extractors.inception import Inception
from thm_torchmetrics.extractors.insightface import InsightFace
from thm_torchmetrics.extractors.landmarks import FanLandmarks
from thm_torchmetrics.extractors.libreface import LibreFace
from thm_torchmetrics.extractors.lpips import CustomDistance, LpipsNetwork
from thm_torchmetrics.extractors.natural_scenes import BrisqueScore, NiqeScore
from thm_torchmetrics.extractors.openface_au import OpenFaceActionUnits
from thm_torchmetrics.extractors.syncnet import CustomSyncNetwork, SyncNetwork
from thm_torchmetrics.extractors.thumbnail import Thumbnail
from thm_torchmetrics.faces.boxes import FACE_RULES
from thm_torchmetrics.weights import Checkpoints, CustomFiles, registry


class Makeable(Protocol):
    """The table holds classes of this interface."""

    def make(self, name: str, files: CustomFiles = None, **options: Any) -> Any:
        """Return the extractor of this name; options that it lacks are ignored."""


EXTRACTORS: dict[str, dict[str, Makeable]] = {
    "landmarks": {"fan": FanLandmarks, "dlib": DlibLandmarks},
    "identity": {
        "arcface-r100": ArcFace,
        "arcface-r100-glint360k": ArcFace,
        "arcface-r50": ArcFace,
        "arcface-r18": ArcFace,
        "insightface": InsightFace,
        "dlib": DlibEmbedding,
    },
    "emotion": {"emonet8": Emotion, "emonet5": Emotion},
    "face3d": dict.fromkeys(RELEASES, Deep3D),
    "pose": {"pnp": PerspectivePose, **dict.fromkeys(RELEASES, Deep3DPose)},
    "inception": {"inception": Inception, "inception-imagenet": InceptionOnImageNet},
    "i3d": {"i3d": I3d, "i3d-torchscript": I3d},
    "lpips": {"lpips": LpipsNetwork},
    "syncnet": {"syncnet": SyncNetwork},
    "niqe": {"niqe": NiqeScore},
    "brisque": {"brisque": BrisqueScore},
    "quality": {},
    "delay": {"thumbnail": Thumbnail, "fan": FanLandmarks, "dlib": DlibLandmarks},
    "action_units": {"openface-au": OpenFaceActionUnits, "libreface": LibreFace, "libreface-resnet18": LibreFace},
}
"""Every extractor by kind and name."""

_CUSTOM: dict[str, type[CustomModule]] = {
    "i3d": CustomClipNetwork,
    "lpips": CustomDistance,
    "syncnet": CustomSyncNetwork,
}
"""The classes of a user's module that is not a map from frames to rows, by kind."""


def register_extractor(name: str, extractor: Any) -> None:
    """Add a class of extractors to the table, so that metrics of its kind take its name.

    Args:
        name: the name, for ``extractor=`` and ``--extractor KEY=NAME``.
        extractor: a subclass of `Extractor` with a ``kind`` and a classmethod ``make``; `FrozenNetwork` has one.

    Raises:
        InputError: if it has no kind, or another class has this name.

    Example:
        >>> from thm_torchmetrics.extractors.identity import ArcFace
        >>> register_extractor("arcface-r18", ArcFace)  # it is there already
    """
    kind = getattr(extractor, "kind", "")
    if not kind or not hasattr(extractor, "make"):
        raise InputError(f"{extractor!r} needs a `kind`, such as {', '.join(EXTRACTORS)}, and a classmethod `make`")
    if EXTRACTORS.setdefault(kind, {}).setdefault(name, extractor) is not extractor:
        raise InputError(
            f"there is an extractor {name!r} of {kind} already: {EXTRACTORS[kind][name]!r}; give yours another name"
        )


def find_extractor(kind: str, name: Any, argument: str = "extractor") -> Any:
    """Return a class of extractors from the table.

    Raises:
        InputError: if there is none of this name.
    """
    known = EXTRACTORS[kind]
    if name not in known:
        others = ("a torch module or None",) if argument == "extractor" else ()
        raise InputError(f"{argument} must be {', '.join((*map(repr, known), *others))}, got {name!r}")
    return known[name]


def make_extractor(kind: str, given: Any, files: CustomFiles = None, **options: Any) -> Any:
    """Return the extractor that a metric uses.

    Args:
        kind: the kind of its features.
        given: a name, a user's module, or None if features are given.
        files: the user's own checkpoints; a single file is the network's, not that of the landmarks.
        options: ``protocol``, ``mirror``, ``flip``, ..., as far as the extractor has them; and for extractors that work
            on a face ``face``, the face of a frame that counts, ``landmarks``, the name of the landmark extractor
            (default: the extractor's own), ``upsample`` for these, and ``whole_frame``; and for lip sync ``detector``,
            whether the metric looks for faces, so that the detector's checkpoint is needed, too.

    Raises:
        InputError: if there is no such extractor, or if ``whole_frame`` is set and it needs aligned faces.
        WeightsError: if checkpoints are absent, corrupt or not allowed; the message names all that are absent.
        MissingExtraError: if a package that it needs is not installed.
    """
    check_face_rule(options.get("face", "largest"))
    if given is None:
        return None
    if isinstance(given, nn.Module):
        return _CUSTOM.get(kind, CustomModule)(given)
    cls = find_extractor(kind, given)
    if options.get("whole_frame") and not cls.whole_frames:
        raise InputError(f"the extractor {given!r} works on aligned faces only; take the protocol 'aligned'")
    points = None if options.get("whole_frame") else landmarks_of(cls, options.get("landmarks"))
    finder = None if points is None else find_extractor("landmarks", points, "landmarks")
    for each in filter(None, (cls, finder)):
        each.check_installed()
    needed = required_checkpoints(kind, given, **{"detector": False} | options)
    source = Checkpoints.of(files, next(iter(needed), given))
    source.obtain_all(name for name in needed if name in registry())
    own = {name: value for name, value in options.items() if name not in ("landmarks", "whole_frame", "detector")}
    if finder is not None:
        detection = {"face": options.get("face", "largest"), "upsample": options.get("upsample", 0)}
        own["landmarks"] = finder.make(points, source, **detection)
    elif options.get("whole_frame"):
        own["landmarks"] = None
    return cls.make(given, source, **own)


def required_checkpoints(kind: str, name: str, **options: Any) -> tuple[str, ...]:
    """Return the names of the checkpoints that an extractor needs, its own first.

    Args:
        kind: the kind of its features.
        name: its name.
        options: as in `make_extractor`.
    """
    cls = find_extractor(kind, name)
    own: tuple[str, ...] = cls.required(options.get("net", name))
    if kind == "syncnet" and not options.get("detector", True):
        own = own[:1]
    points = None if options.get("whole_frame") else landmarks_of(cls, options.get("landmarks"))
    return own if points is None else own + tuple(find_extractor("landmarks", points, "landmarks").required(points))


def landmarks_of(cls: Any, asked: str | None) -> str | None:
    """Return the name of the landmark extractor that a class uses; None if it uses none."""
    default: str | None = getattr(cls, "default_landmarks", None)
    return None if default is None else asked or default


def landmarks_in_use(extractor: Any) -> str | None:
    """Return the name of the landmark extractor by which an extractor cuts the face out; None if it has none."""
    landmarks = getattr(extractor, "landmarks", None)
    return None if landmarks is None else str(landmarks)


def check_face_rule(face: str) -> None:
    """Raise an error unless a rule for the choice of a face exists.

    Raises:
        InputError: if it does not.
    """
    if face not in FACE_RULES:
        raise InputError(f"face must be one of {', '.join(map(repr, FACE_RULES))}, got {face!r}")
