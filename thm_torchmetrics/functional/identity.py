"""Functional identity.

(in work by a second helper)
"""
