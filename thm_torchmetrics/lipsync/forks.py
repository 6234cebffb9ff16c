"""Measure lip sync as copies of syncnet_python's pipeline do that changed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.faces.tracks import Track
from thm_torchmetrics.lipsync.codecs import H264, Jpeg
from thm_torchmetrics.lipsync.frame_rate import constant_rate
from thm_torchmetrics.lipsync.reencoded import ReencodedTracks, as_decoded
from thm_torchmetrics.lipsync.sound import DecodedSound, SoundFrames, aac, sound_frames
from thm_torchmetrics.lipsync.tracking import TrackOptions
from thm_torchmetrics.lipsync.windows import SAMPLE_RATE, speech
from thm_torchmetrics.media.audio import SoundFile, mixed
from thm_torchmetrics.media.read_ahead import Picture
from thm_torchmetrics.media.video import DecodedFrame, VideoFile


class VicoTracks(ReencodedTracks):
    """Protocol ``vico`` is ``syncnet-python`` on a video into which the given sound is put as AAC."""

    def _muxed(self, sound: SoundFrames) -> SoundFrames:
        source = self._options.audio_source
        has_own = isinstance(source, SoundFile) and source.own_track
        return sound if has_own else aac(sound)


class MochaBenchTracks(ReencodedTracks):
    """Protocol ``mochabench`` takes the speech from a file of its own, which is not re-encoded.

    The pictures go through the AVI file of ``syncnet-python``, which has the sound of the video if there is one.
    """

    def _tracking(self) -> TrackOptions:
        return replace(self._options.tracking, best_only=True)

    def _read_sound(self, audio: Tensor, sample_rate: int) -> Tensor:
        own = own_sound(self._clip)
        self._delay = 0 if own is None else DecodedSound(own, audio, sample_rate, self._options.ffmpeg).avi_delay
        return speech(audio, sample_rate)


class LatentSyncTracks(ReencodedTracks):
    """Protocol ``latentsync`` is ``syncnet-python`` with mp4 files in place of AVI files.

    They hold H.264 and AAC, which shift nothing; those of the crops MPEG-4 and AAC.
    """

    def _read_sound(self, audio: Tensor, sample_rate: int) -> Tensor:
        return _mono(aac(self._decoded_sound(audio, sample_rate).frames))

    def _sound(self, track: Track) -> Tensor:
        samples = super()._sound(track).cpu().to(torch.int16).numpy()
        return _mono(aac(sound_frames(samples, SAMPLE_RATE))).to(self._options.device)

    def _read(self) -> Iterator[tuple[DecodedFrame, list[Picture]]]:
        jpeg = Jpeg(2)
        frames = constant_rate(as_decoded(self._clip, self._options.fps))
        for frame in H264()(frame for frame, _ in frames):
            yield frame, [jpeg(frame)]


def own_sound(clip: Clip) -> SoundFile | None:
    """Return the sound track of a clip's own video file; None if it has none, or the clip has no file."""
    source = getattr(clip.video_source, "source", clip.video_source)  # a file whose frames are counted
    if isinstance(source, VideoFile) and source.has_audio:
        return SoundFile(source.path, own_track=True)
    return None


def _mono(frames: SoundFrames) -> Tensor:
    return torch.from_numpy(mixed(frames, SAMPLE_RATE)).to(torch.float32)
