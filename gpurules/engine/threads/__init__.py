"""Threads of the coordinator: a loop, single calls that may hang, and an orderly shutdown at exit and over a fork."""
