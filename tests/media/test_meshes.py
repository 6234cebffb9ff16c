"""Meshes are read as they were written, vertex by vertex."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from thm_torchmetrics.errors import InputError, MediaError, MediaWarning, MissingExtraError
from thm_torchmetrics.media.feature_files import read_feature_file
from thm_torchmetrics.media.meshes import read_vertex_numbers, read_vertices
from thm_torchmetrics.media.pairing import find_features

VERTICES = np.random.default_rng(0).normal(size=(6, 3))
FACES = np.array([[0, 1, 2], [2, 3, 4], [3, 4, 5]])


@pytest.mark.parametrize("name", ["a.obj", "binary.ply", "ascii.ply"])
def test_a_mesh_keeps_its_vertices_and_their_order(tmp_path: Path, name: str) -> None:
    mesh = trimesh.Trimesh(VERTICES, FACES, process=False)
    options = {"encoding": name.removesuffix(".ply")} if name.endswith("ply") else {}
    mesh.export(tmp_path / name, **options)
    assert read_vertices(tmp_path / name) == pytest.approx(VERTICES, abs=1e-5)


def test_a_folder_of_meshes_is_a_clip(tmp_path: Path) -> None:
    for clip, frames in (("one", 2), ("sub/two", 3)):
        (tmp_path / clip).mkdir(parents=True)
        for number in range(frames):
            trimesh.Trimesh(VERTICES + number, FACES, process=False).export(tmp_path / clip / f"{number:03d}.ply")
    found = find_features(tmp_path)
    assert found.keys() == {"one", "sub/two"}
    rows = read_feature_file(found["sub/two"], (None, 3)).rows
    assert rows == pytest.approx(np.stack([VERTICES + number for number in range(3)]), abs=1e-5)


def test_clips_of_meshes_and_of_arrays_stand_side_by_side(tmp_path: Path) -> None:
    """The arrays were passed over without a word."""
    (tmp_path / "one").mkdir()
    np.savetxt(tmp_path / "one" / "1.obj", VERTICES, fmt="v %.9f %.9f %.9f")
    np.save(tmp_path / "one" / "template.npy", VERTICES)
    np.save(tmp_path / "two.npy", VERTICES[None])
    with pytest.warns(MediaWarning, match=r"one.template\.npy was passed over"):
        assert find_features(tmp_path) == {"one": tmp_path / "one", "two": tmp_path / "two.npy"}
    np.save(tmp_path / "one.npy", VERTICES[None])
    with pytest.warns(MediaWarning), pytest.raises(InputError, match="both the clip 'one'"):
        find_features(tmp_path)


def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """They came as 1, 10, 11, 2: errors between two sides of unlike names, and motion that is none."""
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in range(1, 12):
        np.savetxt(clip / f"{number}.obj", VERTICES + number, fmt="v %.9f %.9f %.9f")
    (clip / "._1.obj").write_bytes(b"of a Mac")
    rows = read_feature_file(find_features(tmp_path)["clip"], (None, 3)).rows
    assert rows == pytest.approx(np.stack([VERTICES + number for number in range(1, 12)]), abs=1e-5)
    (clip / "5.obj").unlink()
    with pytest.raises(MediaError, match=r"mesh files are missing between 4\.obj and 6\.obj"):
        read_feature_file(clip)


@pytest.mark.parametrize(
    "faces",
    [
        "usemtl a\nf 1 2 3\nusemtl b\nf 4 5 6\n",
        "mtllib absent.mtl\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl a\nf 1/1 2/2 3/3\nf 1/3 2/1 6/2\n",
        "vn 0 0 1\nvn 0 1 0\nf 1//1 2//1 3//1\nf 1//2 2//2 6//2\n",
        "o one\nf 6 5 4\no two\nf 3 2 1\n",
        "",
    ],
    ids=["materials", "textures", "normals", "objects", "no faces"],
)  # fmt: skip
def test_faces_and_materials_leave_the_vertices_alone(tmp_path: Path, faces: str) -> None:
    """A mesh of two materials could not be read."""
    lines = "".join(f"v {x:.9f} {y:.9f} {z:.9f}\n" for x, y, z in VERTICES)
    (tmp_path / "a.obj").write_text(f"# a comment\n{lines}{faces}", encoding="utf-8")
    assert read_vertices(tmp_path / "a.obj") == pytest.approx(VERTICES, abs=1e-8)


def test_frames_of_unlike_meshes_are_named(tmp_path: Path) -> None:
    for number in (5, 6):
        trimesh.Trimesh(VERTICES[:number], FACES[:2], process=False).export(tmp_path / f"{number}.obj")
    with pytest.raises(MediaError, match=r"6\.obj: has 6 vertices and 5\.obj 5"):
        read_feature_file(tmp_path)


@pytest.mark.parametrize("text", ["", "1, two", "-3", "1.5"])
def test_a_list_of_vertices_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "lips.txt").write_text(text, encoding="utf-8")
    with pytest.raises(MediaError, match=r"lips\.txt: .*whole numbers from 0"):
        read_vertex_numbers(tmp_path / "lips.txt")


@pytest.mark.parametrize(
    "array", [np.array([True, False, True]), np.array([1.0, 2.0]), np.array([-1]), np.zeros(0, int)]
)
def test_an_array_that_is_no_list_of_vertices_is_named(tmp_path: Path, array: Any) -> None:
    """A mask was taken for vertices 0 and 1."""
    np.save(tmp_path / "lips.npy", array)
    with pytest.raises(MediaError, match=r"lips\.npy: holds no list of vertices; .* of a mask mask\.nonzero"):
        read_vertex_numbers(tmp_path / "lips.npy")


def test_a_list_of_vertices_is_text_or_an_array(tmp_path: Path) -> None:
    (tmp_path / "lips.txt").write_text("3, 1\n4 1\n", encoding="utf-8")
    np.save(tmp_path / "lips.npy", np.array([3, 1, 4, 1]))
    assert read_vertex_numbers(tmp_path / "lips.txt") == read_vertex_numbers(tmp_path / "lips.npy") == (3, 1, 4, 1)


def test_a_damaged_mesh_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 9\n")
    with pytest.raises(MediaError, match=r"bad\.ply"):
        read_vertices(tmp_path / "bad.ply")


def test_a_file_without_vertices_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.npy").write_bytes(b"no array")
    with pytest.raises(MediaError, match=r"a\.npy: cannot be read as vertices .*give \.npy, \.obj or \.ply"):
        read_vertices(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((4, 2)))
    with pytest.raises(MediaError, match=r"b\.npy: needs vertices \(V, 3\), got float64 \(4, 2\)"):
        read_vertices(tmp_path / "b.npy")
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'thm-torchmetrics\[meshes\]'"):
        read_vertices(tmp_path / "c.ply")
