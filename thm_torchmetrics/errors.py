"""What can go wrong, as one tree.

::

    ThmError
    ├── InputError (ValueError)            what the caller passed cannot be measured: shape, dtype, range, name
    │   ├── MismatchError                  prediction and target differ in length or size
    │   └── FrozenOptionError (AttributeError)   an option of a metric was set after it was made
    ├── MediaError (ValueError)            a video, audio or CSV file cannot be read as such
    ├── MissingFaceError (ValueError)      no face in a frame, under ``missing="error"``
    ├── WeightsError (RuntimeError)        a checkpoint is corrupt, unsafe, incomplete or not allowed
    │   └── WeightsNotFoundError (FileNotFoundError)
    └── MissingExtraError (ModuleNotFoundError)   an optional dependency is not installed

Each also derives from the builtin in brackets, so that callers who know nothing of this package can catch it.
"""


class ThmError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(ThmError, ValueError):
    """What the caller passed cannot be measured; the message names the shape, dtype, range or name and the remedy."""


class MismatchError(InputError):
    """Prediction and target differ in length or size and the metric was not told what to do about it."""


class FrozenOptionError(InputError, AttributeError):
    """An option of a metric was set after the metric was made; make another metric instead."""


class MediaError(ThmError, ValueError):
    """A file cannot be read as the video, audio or table that it should be; the message names the file."""


class MissingFaceError(ThmError, ValueError):
    """A frame could not be scored and the metric was made with ``missing="error"``."""


class WeightsError(ThmError, RuntimeError):
    """A checkpoint is corrupt, unsafe to load, of another layout, or excluded by its license."""


class WeightsNotFoundError(WeightsError, FileNotFoundError):
    """A checkpoint is in none of the places looked at and could not be downloaded."""


class MissingExtraError(ThmError, ModuleNotFoundError):
    """An optional dependency is not installed; the message gives the ``pip install`` that adds it."""
