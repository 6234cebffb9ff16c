"""All errors of this package form one tree.

::

    ThmError
    ├── InputError (ValueError)            an argument cannot be measured: shape, dtype, range, name
    │   ├── MismatchError                  prediction and target differ in length or size
    │   └── FrozenOptionError (AttributeError)   an option of a metric was set after it was made
    ├── MediaError (ValueError)            a video, audio or CSV file cannot be read as such
    ├── MissingFaceError (ValueError)      no face in a frame, under ``missing="error"``
    ├── WeightsError (RuntimeError)        a checkpoint is corrupt, unsafe, incomplete or not allowed
    │   └── WeightsNotFoundError (FileNotFoundError)
    ├── MissingExtraError (ModuleNotFoundError)   an optional dependency is not installed
    └── RankError (RuntimeError)           a process of a run on several devices died

Each also derives from the builtin in brackets, so that callers can catch it without importing this package.

`MediaWarning` is the one warning: a remark on a file that could be measured.
"""


class ThmError(Exception):
    """This is the base of every error that the package raises on purpose."""


class InputError(ThmError, ValueError):
    """An argument cannot be measured.

    The message names the shape, dtype, range or name that came, and the remedy.
    """


class MismatchError(InputError):
    """Prediction and target differ in length or size, and no option of the metric allows it."""


class FrozenOptionError(InputError, AttributeError):
    """An option of a metric was set after the metric was made; make another metric instead."""


class MediaError(ThmError, ValueError):
    """A file cannot be read as a video, as audio or as a table; the message names the file."""


class MissingFaceError(ThmError, ValueError):
    """A frame could not be scored, and the metric has ``missing="error"``."""


class WeightsError(ThmError, RuntimeError):
    """A checkpoint is corrupt, unsafe to load, of another layout, or excluded by its license."""


class WeightsNotFoundError(WeightsError, FileNotFoundError):
    """A checkpoint is in none of the folders searched and could not be downloaded."""


class MissingExtraError(ThmError, ModuleNotFoundError):
    """An optional dependency is not installed; the message gives the command that adds it."""


class RankError(ThmError, RuntimeError):
    """A process of a run on several devices died; the message names its rank."""


class MediaWarning(UserWarning):
    """A file was read whole, but something about it bears on the number; reports show it as a remark."""
