"""8-bit pixels, equal to OpenCV and Pillow."""
