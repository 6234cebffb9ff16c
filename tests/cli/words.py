"""What a command has said, whatever the width of the box in which it was printed."""


def words(text: str) -> str:
    """Return a text on one line, without the sides of boxes."""
    return " ".join(text.replace("│", " ").split())
