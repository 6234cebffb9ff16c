"""Face geometry: boxes, landmarks, crops, shots, tracks."""
