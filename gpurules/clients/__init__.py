"""Storage clients whose behavior follows the rules.

::

    s3/  obstore/  filesystem/      downloads, uploads and open files, one package for each library
      -> transfers/                 what they share: download, upload, streams, verification, the upload journal
      -> pieces/                    the part loop, and resumable files with their journal
      -> staging/                   local copies: quota, locks, seals, eviction
    mounts/  kvikio  loaders/       clients that are controlled by a setting (settings/ records and restores it)
    detection                       file type and framework from sibling files, the process and plug-ins

Every part asks the governor for a slot; ``CLIENTS`` lists the kinds.
"""

from collections.abc import Mapping
from typing import TypeGuard

from gpurules.clients.client import GOVERNED, Capability, Client, ClientKind
from gpurules.clients.filesystem import FileSystemKind
from gpurules.clients.kvikio import KvikIOKind
from gpurules.clients.loaders import DataLoaderKind, GovernedLoader, WebDatasetKind
from gpurules.clients.mounts import JuiceFSKind, RcloneKind, ReadaheadKind
from gpurules.clients.objects.store import (
    ChecksumMismatch,
    ObjectChanged,
    ObjectFacts,
    ObjectNotFound,
    StoreError,
    TooSlow,
    TransientStoreError,
    Unverifiable,
)
from gpurules.clients.obstore import Obstore, ObstoreKind
from gpurules.clients.pieces.part_loop import PartOptions
from gpurules.clients.plugged import PluggedKind
from gpurules.clients.s3 import S3, Aiobotocore, AiobotocoreKind, Boto3, Boto3Kind, S3Kind
from gpurules.clients.settings.follower import Follower
from gpurules.clients.settings.restorable_setting import SettingError
from gpurules.clients.staging import StagingArea, StagingFull, StagingRefused, StagingTrouble
from gpurules.clients.transfers.upload_journal import UploadJournal
from gpurules.plugins import usable_plugins
from gpurules.registry import Registry

CLIENTS: Registry[ClientKind] = Registry(
    "client",
    (
        S3Kind(), Boto3Kind(), AiobotocoreKind(), ObstoreKind(), FileSystemKind(), DataLoaderKind(), WebDatasetKind(),
        KvikIOKind(), ReadaheadKind(), RcloneKind(), JuiceFSKind(),
    ),
)  # fmt: skip
"""The kinds of client that ship."""


def _is_kind(plugin: object) -> TypeGuard[ClientKind]:
    is_named = isinstance(getattr(plugin, "name", None), str) and hasattr(plugin, "capabilities")
    return is_named and callable(getattr(plugin, "unavailable", None))


def all_clients() -> tuple[Registry[ClientKind], Mapping[str, str]]:
    """Return the kinds that ship with those of installed plug-ins, and why some plug-ins cannot be used, by name.

    Plug-ins register under the entry point group ``gpurules.clients``; an unusable one never affects the others.
    """
    wants = "is not a kind of client: it needs a name, capabilities and unavailable()"
    usable, reasons = usable_plugins("gpurules.clients", PluggedKind, _is_kind, wants, CLIENTS.names)
    return CLIENTS.with_members(usable), reasons


__all__ = [
    "CLIENTS",
    "GOVERNED",
    "S3",
    "Aiobotocore",
    "AiobotocoreKind",
    "Boto3",
    "Boto3Kind",
    "Capability",
    "ChecksumMismatch",
    "Client",
    "ClientKind",
    "DataLoaderKind",
    "FileSystemKind",
    "Follower",
    "GovernedLoader",
    "JuiceFSKind",
    "KvikIOKind",
    "ObjectChanged",
    "ObjectFacts",
    "ObjectNotFound",
    "Obstore",
    "ObstoreKind",
    "PartOptions",
    "RcloneKind",
    "ReadaheadKind",
    "S3Kind",
    "SettingError",
    "StagingArea",
    "StagingFull",
    "StagingRefused",
    "StagingTrouble",
    "StoreError",
    "TooSlow",
    "TransientStoreError",
    "Unverifiable",
    "UploadJournal",
    "WebDatasetKind",
    "all_clients",
]
