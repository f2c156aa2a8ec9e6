"""Reads a live node.

    poll (what is requested) --> isolation (a process, a thread or a tool that may hang) --> NodeReader.read
         --> source.LiveSource: GPUs that vanished (tracking), ages of Xid errors --> Snapshot

``opening.LiveOptions`` makes a LiveSource of a reader and the options that all live sources share; ``program`` does so
for vendors' command-line tools; ``availability`` says whether a source can be used here.
"""
