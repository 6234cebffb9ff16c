"""Files in, arrays out (and back): videos, audio, OpenFace tables, and which of them belong together."""
