import pytest

from gpurules.fields.detection import detect_file_type, detect_framework, file_extension, file_name


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/m/model.safetensors", "model"),
        ("/m/MODEL.PT", "model"),
        ("/m/model.safetensors.index.json", "model"),
        ("/data/shard-0001.tar", "dataset"),
        ("/data/part.csv.gz", "dataset"),
        ("/x/embeddings.npy", "tensor"),
        ("/x/config.json", "config"),
        ("/logs/rank-0.log", "log"),
        ("train.py", "code"),
        ("/models/llama/tokenizer", "model"),
        ("/data/train/0001", "dataset"),
        ("/checkpoints/README", "model"),
        ("/x/notes.txt", "unknown"),
        ("/supermodels/a", "unknown"),
        ("", "unknown"),
        (".pt", "unknown"),
        ("/x/archive.bin/part", "unknown"),
        ("s3://bucket/m/a.pt?versionId=3", "model"),
        ("C:\\models\\a.pt", "model"),
    ],
)
def test_the_path_implies_the_file_type(path: str, kind: str) -> None:
    assert detect_file_type(path) == kind


def test_no_path_implies_nothing() -> None:
    assert detect_file_type(None) is None
    assert detect_framework(None) is None


def test_overrides_come_first_and_in_order() -> None:
    overrides = (("*.ckpt", "tensor"), ("*.ckpt", "log"), ("/scratch/*", "dataset"))
    assert detect_file_type("/m/a.ckpt", overrides) == "tensor"
    assert detect_file_type("/scratch/x/y.pt", overrides) == "dataset"
    assert detect_file_type("/m/a.pt", overrides) == "model"


def test_a_pattern_without_a_slash_is_for_the_name_alone() -> None:
    assert detect_file_type("/tmp/a", (("tmp*", "log"),)) == "unknown"
    assert detect_file_type("/x/tmp.1", (("tmp*", "log"),)) == "log"


@pytest.mark.parametrize(
    ("path", "framework"),
    [
        ("a.pt", "pytorch"),
        ("a.h5", "tensorflow"),
        ("a.safetensors", "huggingface"),
        ("a.onnx", "onnx"),
        ("a.orbax", "jax"),
        ("a.bin", "unknown"),
    ],
)
def test_the_suffix_implies_the_framework(path: str, framework: str) -> None:
    assert detect_framework(path) == framework


@pytest.mark.parametrize(
    ("path", "name", "extension"),
    [
        ("/a/b.PT", "b.PT", ".pt"),
        ("/a/b/", "b", ""),
        ("/a/.hidden", ".hidden", ""),
        ("a.tar.gz", "a.tar.gz", ".gz"),
        ("/a/b.", "b.", "."),
        ("s3://b/k.csv#x", "k.csv", ".csv"),
        ("/a/what?.csv", "what?.csv", ".csv"),
        ("", "", ""),
    ],
)
def test_name_and_extension_are_the_last_part(path: str, name: str, extension: str) -> None:
    assert (file_name(path), file_extension(path)) == (name, extension)


def test_a_path_of_megabytes_is_classified_by_its_start_at_once() -> None:
    assert detect_file_type("/" * 10_000_000 + "a.pt") == "unknown"
