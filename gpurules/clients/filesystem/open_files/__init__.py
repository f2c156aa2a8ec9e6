"""Open files under ``gpurules::``, one kind for each way of reading and writing.

::

    open --+--> blocks (prefetch)   read by ranges: each block waits for a slot
           +--> direct              local, staged or in memory: read where it is
           +--> edited              read and written at once
           +--> streams             no ranges, or written
"""
