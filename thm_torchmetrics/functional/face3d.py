"""Functional face3d.

(in work by a second helper)
"""
