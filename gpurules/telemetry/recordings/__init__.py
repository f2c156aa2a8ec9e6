"""The files of recordings, whatever format they are in.

    files (gz, xz, zst, zip, bounded) --> lines (decoded) --> reader (lines, times, problems) --> a format's snapshots
          --> order (one node, in order of time)

``options`` is what the user states where a file leaves it open, ``times`` reads the times that recorders write.
"""
