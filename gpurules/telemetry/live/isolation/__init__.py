"""Isolates callers from a driver that hangs.

    sampler (parent) --frames--> worker (child process): NodeReader       circuit_breaker: calls that hung are skipped
    thread: the same in a thread         tool: a command-line tool

``sampler.Sampler`` is the reader that isolates another; ``owned_process`` kills a program with all its children.
"""
