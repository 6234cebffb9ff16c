"""Puts the recorded recipes together: what each golden file of this folder was computed from.

Every function takes the ``meta`` dict of a golden file (``json.loads(str(gold["meta"]))``), so it works
unchanged on any other set made the same way.  Needs ``inputs.py`` (of the first parity folder) and
``inputs_more.py`` on the import path.
"""

from __future__ import annotations

import numpy as np

from parity.inputs_more import rebuild


def _in(meta, key):
    return rebuild(meta["inputs"][key])


# ---------------------------------------------------------------- i3d400, frechet_fvd

def network_input(clip):
    """float32 (3, T, H, W) in [-1, 1] of a uint8 RGB clip (T, H, W, 3)."""
    return (np.moveaxis(clip, -1, 0).astype(np.float32) / np.float32(255)) * 2 - 1


def i3d_clip(meta, key):
    """uint8 RGB clip: small_0, small_1, sixteen, odd, nine, long, wide, tall, square, big, latentsync_clip, real_0..4, fake_0..4."""
    return _in(meta, key)


def frechet_features(meta, case):
    """float32 (x, y) of a case: full, uneven, few, wide, same."""
    x = _in(meta, case + "_x")
    if case == "same":
        return x, x.copy()
    y = _in(meta, case + "_y")
    return x, (0.5 * y + 0.25 * y[:, ::-1] + 0.125).astype(np.float32)


# ---------------------------------------------------------------- mesh

SPEAKERS = ("F2", "F3")


def mesh_clips(meta):
    """[(target (T, V, 3), prediction (T + k, V, 3), template (V, 3))], eight clips, in the order they were scored."""
    vertices, out = meta["vertices"], []
    for speaker in SPEAKERS:
        template = _in(meta, f"template_{speaker}")
        for sentence in range(37, 41):
            move = _in(meta, f"{speaker}_e{sentence}_gt").reshape(-1, vertices, 3)
            other = _in(meta, f"{speaker}_e{sentence}_pred").reshape(-1, vertices, 3)
            pred = template + 0.75 * other
            pred[: len(move)] += 0.5 * move
            out.append((template + move, pred, template))
    return out


def mesh_regions(meta):
    """(lip indices, upper-face indices); both hold repeated entries, which the originals keep."""
    return _in(meta, "lips"), _in(meta, "upper")


def multiface_clips(meta):
    """Ten clips (some twice), all with the first speaker's template."""
    clips = mesh_clips(meta)
    return [(*clips[i % 8][:2], clips[0][2]) for i in range(10)]


def multiface_regions(meta):
    """(mouth, forehead) indices: weight above .1 and above .4."""
    mouth = np.abs(_in(meta, "mouth_weights")[:, 0])
    forehead = np.abs(_in(meta, "forehead_weights")[:, 0])
    return np.flatnonzero(mouth > 0.1), np.flatnonzero(forehead > 0.4)


def diversity_sets(meta):
    """[[clip per condition]] per test sentence; one sentence lacks a condition."""
    out = []
    for speaker in ("F1", "F5"):
        for sentence in range(37, 41):
            keys = [f"div_{speaker}_e{sentence}_{c}" for c in ("F2", "F3", "F4")]
            out.append([_in(meta, k).reshape(-1, meta["vertices"], 3) for k in keys if k in meta["inputs"]])
    return out


def blendshapes(meta, kind):
    """[(target (T, D), prediction (T', D))], kind ``blend`` (192 columns) or ``beat`` (52 columns)."""
    return [(_in(meta, f"{kind}_{i}_gt"), _in(meta, f"{kind}_{i}_pred")) for i in range(3)]


# ---------------------------------------------------------------- mtm_slcc

def lip_pair(meta, case):
    """(target (T, 2, 3), prediction (T', 2, 3)): upper and lower lip vertex of MTM case 0..3."""
    gt = _in(meta, f"lip_gt_{case}").reshape(-1, 2, 3)
    pred = _in(meta, f"lip_pred_{case}").reshape(-1, 2, 3).copy()
    if case != 2:
        n = min(len(pred), (len(gt) + 1) // 2)
        lag = np.clip(np.arange(n) - 1 - (np.arange(n) // 20) % 3, 0, None)
        pred[:n] = 0.125 * pred[:n] + gt[::2][lag]
    apart = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    return gt + apart, pred + apart


def slcc_clip(meta, name, unique_map, level):
    """(mouth vertices (T, len(unique_map), 3), stereo int16 (n, 2)) of ``name`` such as ``M003_happy_level_1_001``."""
    lip = _in(meta, "lip_" + name).reshape(-1, len(unique_map), 3)
    wave = _in(meta, "wave_" + name)
    return lip, np.stack([wave >> (4 - level), wave >> (5 - level)], 1).astype(np.int16)


# ---------------------------------------------------------------- motion

def pose_logits(meta):
    """[(T, 3, 66)] float64: yaw, pitch, roll logits of three clips."""
    return [4 * _in(meta, f"logits_{i}").reshape(-1, 3, 66) for i in range(3)]


def face_points(meta, case):
    """(T, 68, 3) of beat-align case 0..2 (KDTalker)."""
    return _in(meta, f"face_{case}").reshape(-1, 68, 3) + _in(meta, f"drive_{case}")[:, None]


def body_points(meta, case):
    """(T, 24, 3) of beat-align case 0..2 (Bailando)."""
    return _in(meta, f"body_{case}").reshape(-1, 24, 3) + _in(meta, f"bdrive_{case}")[:, None]


def points68(meta):
    """(40, 68, 2) pixel landmarks for ``survey_eye_openness``."""
    return _in(meta, "points68").reshape(-1, 68, 2) * 40 + 128


# ---------------------------------------------------------------- theval

def face_mesh(meta, key):
    """(T, 478, 2) FaceMesh points as fractions of the frame, key ``face`` or ``quiet``."""
    base = _in(meta, key + "_base") * 0.3 + 0.5
    return base + _in(meta, key + "_move").reshape(-1, 478, 2) * 0.02


def head_pose(meta):
    """(pitch/yaw/roll (60, 3) in degrees, face centre (60, 2) in pixels)."""
    return _in(meta, "pose") * 30, _in(meta, "trans") * 20 + 200


def speech(meta):
    """float32 (48000,) in [-1, 1) at 16 kHz."""
    return _in(meta, "speech").astype(np.float32) / 32768


def method_factors(meta):
    """(3, 8): what the ground-truth row is multiplied with to make three methods, in ``score_columns`` order."""
    return _in(meta, "methods") / 1000.0


# ---------------------------------------------------------------- frames

def flows(meta):
    """(15, 2, 40, 56) optical flow fields."""
    return _in(meta, "flows").reshape(15, 2, 40, 56)


def l1_pairs(meta):
    """[(target, prediction)] uint8 clips of 5, 9 and 3 frames."""
    return [(_in(meta, f"l1_gt_{i}"), _in(meta, f"l1_pred_{i}")) for i in range(3)]


def talklip_pairs(meta):
    """[(target, prediction)] uint8 BGR clips of unequal length."""
    out = []
    for i in range(2):
        gt, raw = _in(meta, f"lip_gt_{i}"), _in(meta, f"lip_pred_{i}")
        n = min(len(gt), len(raw))
        pred = np.clip(gt[:n].astype(int) + (raw[:n].astype(int) - 128) // 4, 0, 255).astype(np.uint8)
        out.append((gt, np.concatenate([pred, raw[n:]])))
    return out
