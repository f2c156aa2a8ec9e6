"""Staging: whole objects on a fast local disk, verified before they are served, shared by processes."""

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
