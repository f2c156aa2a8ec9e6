"""Generates tests of rules: cases at and beside each limit, with facts missing, and series for timers and windows.

``varying``, ``sampling``, ``ramps`` <- ``writing`` <- ``timing``
<- ``generator`` (``generate_tests``, the entry point).
"""
