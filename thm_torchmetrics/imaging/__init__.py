"""8-bit pixels in torch, equal to those of OpenCV and Pillow."""
