"""Face geometry: boxes, landmarks, aligned crops, shots and tracks."""
