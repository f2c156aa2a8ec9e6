"""Detects the type and the framework of a file from its path."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

_SUFFIXES: dict[str, tuple[str, ...]] = {
    "model": (
        ".pt", ".pth", ".ckpt", ".safetensors", ".safetensors.index.json", ".gguf", ".bin", ".onnx", ".pb",
        ".pbtxt", ".tflite", ".h5", ".keras", ".pkl", ".pickle", ".model", ".distcp", ".engine", ".plan",
        ".mlmodel", ".caffemodel",
    ),
    "dataset": (
        ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".orc", ".avro", ".tfrecord",
        ".tfrecords", ".tar", ".mds", ".lance", ".zarr", ".hdf5", ".lmdb", ".csv.gz", ".jsonl.gz", ".jsonl.zst",
        ".tar.gz", ".tgz", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".exr", ".dcm",
        ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".mkv", ".avi", ".mov", ".webm",
    ),
    "tensor": (".npy", ".npz"),
    "config": (".json", ".yaml", ".yml", ".toml", ".cfg", ".conf", ".ini"),
    "log": (".log", ".out", ".err"),
    "code": (
        ".py", ".sh", ".cu", ".cuh", ".c", ".cc", ".cpp", ".h", ".hpp", ".rs", ".go", ".js", ".ts", ".java", ".ipynb",
    ),
}  # fmt: skip
SUFFIX_TYPES: Mapping[str, str] = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes}
"""The file type of every known suffix."""

SEGMENT_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("model", "models", "checkpoint", "checkpoints", "weights"), "model"),
    **dict.fromkeys(("dataset", "datasets", "train", "training", "val", "validation"), "dataset"),
}
"""What a whole path segment means if the suffix is not conclusive."""

SUFFIX_FRAMEWORKS: Mapping[str, str] = {
    **dict.fromkeys((".pt", ".pth", ".distcp"), "pytorch"),
    **dict.fromkeys((".pb", ".pbtxt", ".tflite", ".h5", ".keras", ".tfrecord", ".tfrecords"), "tensorflow"),
    **dict.fromkeys((".safetensors", ".safetensors.index.json"), "huggingface"),
    ".onnx": "onnx",
    ".orbax": "jax",
    ".msgpack": "jax",
}
"""The framework that a suffix belongs to."""


def file_name(path: str) -> str:
    """Return the last part of *path*; the query and fragment of a URL are ignored.

    >>> file_name("s3://bucket/models/a.PT?versionId=3")
    'a.PT'
    """
    if "://" in path:
        path = path.split("?", 1)[0].split("#", 1)[0]
    return path.rstrip("/").rsplit("/", 1)[-1]


def file_extension(path: str) -> str:
    """Return the last suffix of *path* with its dot in lower case, empty where it has none.

    >>> file_extension("/m/A.PT")
    '.pt'
    """
    name = file_name(path)
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def extension_meant(text: str) -> str | None:
    """Return the extension that *text* was meant to be, None where it is what an extension can be.

    >>> extension_meant("pt"), extension_meant(".tar.GZ"), extension_meant(".bin")
    ('.pt', '.gz', None)
    """
    if not text or file_extension(f"x{text}") == text:
        return None
    return f".{text.strip('*. ').rpartition('.')[2].rpartition('/')[2].lower()}"


def _by_suffix(name: str, table: Mapping[str, str]) -> str | None:
    dot = name.find(".", 1)
    while dot >= 0:
        found = table.get(name[dot:])
        if found is not None:
            return found
        dot = name.find(".", dot + 1)
    return None


@lru_cache(maxsize=4096)
def _detect_type(path: str, overrides: tuple[tuple[str, str], ...]) -> str:
    name = file_name(path)
    for pattern, kind in overrides:
        if fnmatchcase(path if "/" in pattern else name, pattern):
            return kind
    by_suffix = _by_suffix(name.lower(), SUFFIX_TYPES)
    if by_suffix is not None:
        return by_suffix
    for segment in reversed(path.lower().split("/")[:-1]):
        if segment in SEGMENT_TYPES:
            return SEGMENT_TYPES[segment]
    return "unknown"


def detect_file_type(path: str | None, overrides: tuple[tuple[str, str], ...] = ()) -> str | None:
    """Return the file type that *path* indicates, ``unknown`` if it indicates none.

    *overrides* are (glob, type) pairs that come before the built-in table; a glob without ``/`` is for the file name.

    Missing: no path.

    >>> detect_file_type("/models/llama/model.safetensors.index.json")
    'model'
    """
    return None if path is None else _detect_type(path[:4096], overrides)


@lru_cache(maxsize=4096)
def _detect_framework(path: str) -> str:
    return _by_suffix(file_name(path).lower(), SUFFIX_FRAMEWORKS) or "unknown"


def detect_framework(path: str | None) -> str | None:
    """Return the framework that *path* indicates, ``unknown`` if it indicates none.

    Missing: no path.
    """
    return None if path is None else _detect_framework(path[:4096])
