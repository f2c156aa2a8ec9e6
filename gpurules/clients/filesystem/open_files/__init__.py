"""Open files behind ``gpurules::``, a kind for each way in which files are read and written.

::

    open --+--> blocks (prefetch)   read by ranges: each block waits for a slot
           +--> direct              local, staged or in memory: read where it is
           +--> edited              read and written at once
           +--> streams             no ranges, or written
"""
