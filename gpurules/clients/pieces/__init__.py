"""Multipart transfers: the part loop, and the resumable file that receives downloaded pieces.

::

    slot of the governor --> part_loop --> piece --> resumable_file --> target_paths (published in one step)
                                 |                       |
                              progress             piece_journal   which pieces are on disk, across crashes

Entry point: :class:`gpurules.clients.pieces.part_loop.PartLoop`.
"""
