"""Staging: whole objects on a fast local disk, verified before they are served, shared by processes.

::

    transfer --> areas --> area --> copies    an open copy, verified against its seal
                                --> source    the object as it is received
                                --> room      quota, eviction, leftovers
                           folder, locks      descriptors and locks between processes

The entry point is ``Staging``; ``trouble`` has the errors, none of which reaches a reader.
"""

from gpurules.clients.staging.area import StagingArea
from gpurules.clients.staging.areas import StagingAreas
from gpurules.clients.staging.copies import StagedCopy, StagedStream
from gpurules.clients.staging.room import StagingCounts
from gpurules.clients.staging.source import PinnedReader
from gpurules.clients.staging.transfer import Fill, Staging
from gpurules.clients.staging.trouble import StagingFull, StagingRefused, StagingTrouble

__all__ = [
    "Fill",
    "PinnedReader",
    "StagedCopy",
    "StagedStream",
    "Staging",
    "StagingArea",
    "StagingAreas",
    "StagingCounts",
    "StagingFull",
    "StagingRefused",
    "StagingTrouble",
]
