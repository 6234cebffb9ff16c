"""Functional expression.

(in work by a second helper)
"""
