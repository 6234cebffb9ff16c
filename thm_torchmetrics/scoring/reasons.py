"""Put errors into words for reports."""

from __future__ import annotations

from thm_torchmetrics.errors import ThmError


def reason_of(error: Exception) -> str:
    """Return the message of an error; one that this package does not raise on purpose has its type before it."""
    try:
        text = str(error)
    except Exception:  # of a network outside the package
        text = "it has no message"
    return text if isinstance(error, ThmError) else f"{type(error).__name__}: {text}"
