"""Find OpenFace's program FeatureExtraction, installed or in docker, and say how it is started."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from thm_torchmetrics.errors import InputError, MediaError

PROGRAM = "FeatureExtraction"

DOCKER_IMAGE = "algebr/openface@sha256:f43ad4e7fa4530143c7a9e0e8eca7e4f2b45599c1ef19680b68ad1eebba05197"
"""The image that papers use, by its digest."""

OUTPUT_NAME = "table"
"""Name of the program's output; one like the video's could end in .csv, which the program drops."""

_IMAGE_FOLDER = "/home/openface-build/build/bin"  # of the program in the image


class Launch(NamedTuple):
    """A launch is the command for one video, and the one that ends what outlives its process; empty if nothing does."""

    command: list[str]
    stop: list[str]


class OpenFace(Protocol):
    """OpenFace is installed, or runs in docker."""

    def launch(self, video: Path, folder: Path, options: Sequence[str]) -> Launch:
        """Return how to run the program on a video, with its output in a folder."""

    def identity(self) -> dict[str, str]:
        """Return which program this is, for the record."""


@dataclass(frozen=True)
class InstalledOpenFace:
    """The program is on this machine.

    Attributes:
        path: its absolute path: it looks for its models beside the name by which it is started.
    """

    path: Path

    def launch(self, video: Path, folder: Path, options: Sequence[str]) -> Launch:
        """Return the command."""
        files = ["-f", str(video.absolute()), "-out_dir", str(folder), "-of", OUTPUT_NAME]
        return Launch([str(self.path), *files, *options], [])

    def identity(self) -> dict[str, str]:
        """Return the SHA256 of the program."""
        return {"program_sha256": hash_file(self.path)}


@dataclass(frozen=True)
class DockerOpenFace:
    """The program runs in a container without network, which sees the video's folder and the output alone.

    Attributes:
        docker: the absolute path of docker.
        image: the image.
    """

    docker: Path
    image: str = DOCKER_IMAGE

    def launch(self, video: Path, folder: Path, options: Sequence[str]) -> Launch:
        """Return the command.

        Raises:
            MediaError: if the name of a folder has a colon, which docker takes for the end of the name.
        """
        source = video.resolve()  # a link would lead out of the folder that the container sees
        for mounted in (source.parent, folder):
            if ":" in str(mounted).removeprefix(mounted.drive):
                raise MediaError(f"{video}: docker cannot mount the folder {mounted}, because of the colon; rename it")
        name = f"thm-openface-{secrets.token_hex(8)}"
        container = ["--rm", "--network", "none", "--name", name]
        if hasattr(os, "getuid"):  # Windows has no numbers of users, and lets a container write as its user
            container += ["--user", f"{os.getuid()}:{os.getgid()}"]
        mounts = ["-v", f"{source.parent}:/in:ro", "-v", f"{folder}:/out", "-w", _IMAGE_FOLDER]
        entry = ["--entrypoint", f"{_IMAGE_FOLDER}/{PROGRAM}", self.image]
        files = ["-f", f"/in/{source.name}", "-out_dir", "/out", "-of", OUTPUT_NAME]
        command = [str(self.docker), "run", *container, *mounts, *entry, *files, *options]
        return Launch(command, [str(self.docker), "kill", name])

    def identity(self) -> dict[str, str]:
        """Return the name of the image."""
        return {"image": self.image}


def find_openface(given: Path | None = None) -> InstalledOpenFace:
    """Return the installed program.

    Args:
        given: the program, or its folder; default: the one on PATH.

    Raises:
        InputError: if there is none, or it cannot be run; the message names the ways to give one.
    """
    ways = (
        f"give the program {PROGRAM} or its folder (--openface PATH, or the variable THM_OPENFACE), put it on PATH, or "
        "run it in docker (--docker)"
    )
    if given is None:
        found = shutil.which(PROGRAM)
        if found is None:
            raise InputError(f"OpenFace is not found: PATH holds no {PROGRAM}; {ways}")
        return InstalledOpenFace(Path(found).resolve())
    path = given.expanduser()
    if path.is_dir():
        path = Path(shutil.which(PROGRAM, path=str(path)) or path / PROGRAM)  # on Windows its name ends in .exe
    if not path.is_file():
        on_path = shutil.which(path) if path.name == str(path) else None
        if on_path is None:
            raise InputError(f"OpenFace is not found: there is no file {path}; {ways}")
        path = Path(on_path)
    if not os.access(path, os.X_OK):
        raise InputError(f"{path} cannot be run; chmod +x makes it a program, or {ways}")
    return InstalledOpenFace(path.resolve())


def find_docker(image: str = DOCKER_IMAGE) -> DockerOpenFace:
    """Return the program in an image.

    Raises:
        InputError: if docker is not on PATH, or the image is not the name of one.
    """
    if not re.fullmatch(r"[a-zA-Z0-9][\w.\-/:@]*", image):
        raise InputError(f"{image!r} is not the name of a docker image, such as {DOCKER_IMAGE}")
    docker = shutil.which("docker")
    if docker is None:
        raise InputError(f"docker is not on PATH; install it, or give OpenFace's own {PROGRAM} (--openface PATH)")
    return DockerOpenFace(Path(docker).absolute(), image)


def hash_file(path: Path) -> str:
    """Return the SHA256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
