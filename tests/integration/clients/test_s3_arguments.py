"""What boto3 knows as ExtraArgs reaches the calls that take it, and identifies objects and uploads."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest

from gpurules.clients import S3, ObjectNotFound, PartOptions, StagingArea, StoreError, TransientStoreError
from gpurules.clients.s3.arguments import DownloadArguments, UploadArguments
from gpurules.clients.s3.objects import S3Object
from tests.factories import ruleset
from tests.integration.clients.conftest import content, digest
from tests.integration.clients.test_s3 import governor

MIB = 1024**2
PART = 5 * MIB
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=2, attempts=2, backoff_seconds=0.01)
NOTHING = ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}")
STAGE = ruleset("  - {name: all, condition: TRUE, action: stage_transfer, parameters: {staging_threshold: 1MiB}}")
KEY = bytes(range(32))
SSE = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
SSE_HEADERS = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": b64encode(KEY).decode(),
    "x-amz-server-side-encryption-customer-key-md5": b64encode(hashlib.md5(KEY).digest()).decode(),
}


class Wires:
    """The requests of a client, as they go over the wire."""

    def __init__(self, client):
        self.requests: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        client.meta.events.register("before-send.s3", self)

    def __call__(self, request, **_):
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        query = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
        self.requests.append((request.method, query, headers))

    def of(self, method: str, *names: str) -> list[dict[str, str]]:
        """Return the headers of the requests of *method* whose query has these names, and no others."""
        return [headers for sent, query, headers in self.requests if sent == method and set(query) == set(names)]


@pytest.fixture
def s3(client):
    with S3(governor(NOTHING), client, options=OPTIONS) as the:
        yield the


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(content(2 * PART + 3))
    return path


def has(headers: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= headers.items()


@pytest.mark.parametrize("size", [3, 2 * PART + 3])
def test_an_object_gets_its_type_metadata_and_class(client, s3, tmp_path, size):
    (tmp_path / "f").write_bytes(content(size))
    asked = {
        "ContentType": "text/csv",
        "CacheControl": "no-store",
        "ContentDisposition": "attachment",
        "ContentEncoding": "br",
        "ContentLanguage": "de",
        "Metadata": {"step": "100", "run": "a b"},
        "StorageClass": "STANDARD_IA",
        "Tagging": "team=ml",
        "ServerSideEncryption": "AES256",
        "ACL": "public-read",
    }
    s3.upload(tmp_path / "f", "bucket", f"typed-{size}", extra_args=asked)
    head = client.head_object(Bucket="bucket", Key=f"typed-{size}")
    shown = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Metadata")
    for name in (*shown, "StorageClass", "ServerSideEncryption"):
        assert head[name] == asked[name]
    assert client.get_object_tagging(Bucket="bucket", Key=f"typed-{size}")["TagSet"] == [{"Key": "team", "Value": "ml"}]
    grants = client.get_object_acl(Bucket="bucket", Key=f"typed-{size}")["Grants"]
    assert any(grant["Grantee"].get("URI", "").endswith("AllUsers") for grant in grants)


def test_a_key_of_the_customer_is_on_every_request_of_an_upload(client, s3, file):
    wires = Wires(client)
    s3.upload(file, "bucket", "sse", extra_args=SSE)
    for wanted in (
        wires.of("POST", "uploads"),
        wires.of("PUT", "uploadId", "partNumber"),
        wires.of("POST", "uploadId"),
    ):
        assert wanted and all(has(headers, SSE_HEADERS) for headers in wanted)
    file.write_bytes(b"small")
    s3.upload(file, "bucket", "sse", extra_args=SSE)
    (put,) = wires.of("PUT")
    assert has(put, SSE_HEADERS)


def test_a_key_of_the_customer_is_on_every_request_of_a_download(client, tmp_path):
    client.put_object(Bucket="bucket", Key="sse-read", Body=content(4 * MIB), **SSE)
    area, wires = StagingArea(tmp_path / "area", 100 * MIB), Wires(client)
    with S3(governor(STAGE), client, options=OPTIONS, staging=area) as s3:
        s3.download("bucket", "sse-read", tmp_path / "f", extra_args=SSE)
    with S3(governor(NOTHING), client, options=OPTIONS) as s3:
        s3.open("bucket", "sse-read", extra_args=SSE).close()
    assert digest((tmp_path / "f").read_bytes()) == digest(content(4 * MIB))
    assert len(wires.of("HEAD")) >= 2 and len(wires.of("GET")) == 4
    assert all(has(headers, SSE_HEADERS) for headers in (*wires.of("HEAD"), *wires.of("GET")))


def test_who_pays_and_who_owns_is_on_every_request(client, s3, file, tmp_path):
    asked = {"RequestPayer": "requester", "ExpectedBucketOwner": "123456789012"}
    shown = {"x-amz-request-payer": "requester", "x-amz-expected-bucket-owner": "123456789012"}
    wires = Wires(client)
    s3.upload(file, "bucket", "paid", extra_args=asked)
    s3.download("bucket", "paid", tmp_path / "f", extra_args=asked)
    s3.open("bucket", "paid", extra_args=asked).close()
    upload = S3Object(client, "bucket", "paid", UploadArguments(asked))
    begun = upload.begin()
    upload.parts(begun)
    upload.abort(begun)
    assert {method for method, _, _ in wires.requests} == {"GET", "HEAD", "PUT", "POST", "DELETE"}
    assert all(has(headers, shown) for _, _, headers in wires.requests)


def test_the_parts_of_an_upload_are_asked_for_with_the_key_of_the_customer(client, s3, file):
    upload = S3Object(client, "bucket", "sse-parts", UploadArguments(SSE))
    begun, wires = upload.begin(), Wires(client)
    upload.parts(begun)
    upload.abort(begun)
    (listed,) = wires.of("GET", "uploadId")
    assert has(listed, SSE_HEADERS)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256", "SHA1"])
def test_parts_come_with_the_checksum_that_is_asked_for(client, s3, file, algorithm):
    wires = Wires(client)
    s3.upload(file, "bucket", "checked", extra_args={"ChecksumAlgorithm": algorithm})
    (begin,) = wires.of("POST", "uploads")
    parts = wires.of("PUT", "uploadId", "partNumber")
    assert begin["x-amz-checksum-algorithm"] == algorithm
    assert len(parts) == 3 and all(f"x-amz-checksum-{algorithm.lower()}" in headers for headers in parts)


def test_a_checksum_of_the_whole_object_is_sent_where_boto3_sends_it(client, s3, file):
    wires, whole = Wires(client), "AAAAAA=="
    s3.upload(file, "bucket", "whole", extra_args={"ChecksumCRC32": whole})
    (begin,), (end,) = wires.of("POST", "uploads"), wires.of("POST", "uploadId")
    assert (begin["x-amz-checksum-algorithm"], begin["x-amz-checksum-type"]) == ("CRC32", "FULL_OBJECT")
    assert (end["x-amz-checksum-crc32"], end["x-amz-checksum-type"]) == (whole, "FULL_OBJECT")
    assert all(headers["x-amz-checksum-crc32"] != whole for headers in wires.of("PUT", "uploadId", "partNumber"))


@pytest.mark.parametrize(
    ("way", "name", "nearest"),
    [
        ("upload", "ContenType", "ContentType"),
        ("upload", "VersionId", "one of"),
        ("upload", "Body", "one of"),
        ("upload", "SSECustomKey", "SSECustomerKey"),
        ("download", "VersionID", "VersionId"),
        ("download", "ContentType", "one of"),
        ("download", "Range", "one of"),
        ("open", "RequestPayr", "RequestPayer"),
    ],
)
def test_an_argument_that_boto3_does_not_take_is_refused_by_name(client, s3, file, tmp_path, way, name, nearest):
    wires = Wires(client)
    with pytest.raises(ValueError, match=f"'{name}'.*{nearest}"):
        match way:
            case "upload":
                s3.upload(file, "bucket", "k", extra_args={name: "x"})
            case "download":
                s3.download("bucket", "k", tmp_path / "f", extra_args={name: "x"})
            case _:
                s3.open("bucket", "k", extra_args={name: "x"})
    assert wires.requests == []


@pytest.mark.parametrize("name", ["ExtraArgs", "Callback", "extra_arg", "Config"])
def test_an_argument_of_ours_that_is_none_is_refused_by_name(s3, file, tmp_path, name):
    with pytest.raises(TypeError, match=f"'{name}'.*(extra_args|callback)"):
        s3.upload(file, "bucket", "k", **{name: None})
    with pytest.raises(TypeError, match=f"'{name}'.*(extra_args|callback)"):
        s3.download("bucket", "k", tmp_path / "f", **{name: None})


def test_every_argument_that_boto3_takes_goes_to_calls_that_know_it(client):
    from s3transfer.manager import TransferManager

    def members(call: str) -> set[str]:
        operation = client.meta.method_to_api_mapping[call]
        return set(client.meta.service_model.operation_model(operation).input_shape.members)

    calls = ("put_object", "create_multipart_upload", "upload_part", "complete_multipart_upload")
    for name in TransferManager.ALLOWED_UPLOAD_ARGS:
        asked = UploadArguments({name: "x"})
        for call in (*calls, "list_parts", "abort_multipart_upload", "head_object"):
            assert set(asked.of(call)) <= members(call), (name, call)
        assert asked.of("put_object") or name in ("ChecksumType", "MpuObjectSize")
        assert any(asked.of(call) for call in calls[1:]), name
    for name in TransferManager.ALLOWED_DOWNLOAD_ARGS:
        for call in ("get_object", "head_object"):
            assert set(DownloadArguments({name: "x"}).of(call)) == {name} <= members(call)


# what identifies objects and uploads


@pytest.fixture
def versions(client):
    """Two versions of one object, of the same size: their ids and contents, the older one first."""
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    made = []
    for seed in (1, 2):
        answer = client.put_object(Bucket="bucket", Key="versioned", Body=content(4 * MIB, seed))
        made.append((answer["VersionId"], content(4 * MIB, seed)))
    yield made
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})


@pytest.mark.parametrize("rules", [NOTHING, STAGE], ids=["direct", "staged"])
def test_the_version_that_is_asked_for_is_the_one_that_comes(client, versions, tmp_path, rules):
    area, wires = StagingArea(tmp_path / "area", 100 * MIB), Wires(client)
    with S3(governor(rules), client, options=OPTIONS, staging=area) as s3:
        for name, data in (*versions, *versions):
            s3.download("bucket", "versioned", tmp_path / "f", extra_args={"VersionId": name})
            assert digest((tmp_path / "f").read_bytes()) == digest(data)
            with s3.open("bucket", "versioned", extra_args={"VersionId": name}) as stream:
                assert digest(stream.read()) == digest(data)
        s3.download("bucket", "versioned", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(versions[1][1])
    asked = [query["versionId"] for _, query, _ in wires.requests if "versionId" in query]
    assert {name for (name,) in asked} == {name for name, _ in versions}


class Cut:
    """Has the connection gone at the reads of a client from number *at* on."""

    def __init__(self, client, at, operation="GetObject"):
        self.count, self.at, self.event = 0, at, f"before-send.s3.{operation}"
        self.client = client
        client.meta.events.register(self.event, self)

    def __call__(self, **_):
        from botocore.exceptions import ConnectionClosedError

        self.count += 1
        if self.count >= self.at:
            raise ConnectionClosedError(endpoint_url="cut by the test")

    def end(self):
        self.client.meta.events.unregister(self.event, self)


def test_what_was_begun_of_one_version_is_not_gone_on_with_for_another(client, tmp_path, s3):
    """Both versions have the same content, so that only their ids differ."""
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    ids = [client.put_object(Bucket="bucket", Key="twins", Body=content(4 * MIB))["VersionId"] for _ in range(2)]
    cut = Cut(client, at=3)
    with pytest.raises(TransientStoreError):
        s3.download("bucket", "twins", tmp_path / "f", extra_args={"VersionId": ids[0]})
    cut.end()
    wires = Wires(client)
    s3.download("bucket", "twins", tmp_path / "f", extra_args={"VersionId": ids[1]})
    assert "transfer_resumed" not in s3.governor.status().faults
    assert [query["versionId"] for method, query, _ in wires.requests if method == "GET"] == [[ids[1]]] * 4
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})


def test_urls_distinguish_versions_keys_and_odd_names_and_hide_the_key(client):
    def url(key, **asked):
        return S3Object(client, "bucket", key, DownloadArguments(asked)).url

    other = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
    urls = [
        url("k"),
        url("k", VersionId="1"),
        url("k", VersionId="2"),
        url("k#VersionId=1"),
        url("k%23VersionId=1"),
        url("k", **SSE),
        url("k", **other),
        url("k", VersionId="1", **SSE),
        url("k", VersionId="1&SSECustomerAlgorithm=AES256"),
        url("k", VersionId="1", SSECustomerAlgorithm="AES256"),
    ]
    assert len(set(urls)) == len(urls)
    assert url("k", RequestPayer="requester") == url("k")
    assert not any(b64encode(KEY).decode() in text or KEY.hex() in text or "\x01" in text for text in urls)


@pytest.mark.parametrize("key", ["plain", "with space", "a#b", "a%23b", "50%", "ä/ü", "q?x=1", "a//b", "plus+"])
def test_a_url_leads_back_to_its_object(client, s3, key, tmp_path):
    (tmp_path / "f").write_bytes(b"odd")
    s3.upload(tmp_path / "f", "bucket", key)
    s3.download("bucket", key, tmp_path / "g")
    assert (tmp_path / "g").read_bytes() == b"odd"
    first = S3Object(client, "bucket", key, DownloadArguments({"VersionId": "1"}))
    again = S3Object.at(client, first.url)
    assert again is not None and again.url == S3Object(client, "bucket", key).url
    assert again.facts().size == 3


def test_an_upload_goes_on_only_with_parts_of_the_same_arguments(client, s3, file):
    cut = Cut(client, at=2, operation="UploadPart")
    with pytest.raises(TransientStoreError):
        s3.upload(file, "bucket", "meta", extra_args={"Metadata": {"step": "1"}})
    cut.end()
    wires = Wires(client)
    s3.upload(file, "bucket", "meta", extra_args={"Metadata": {"step": "2"}})
    assert client.head_object(Bucket="bucket", Key="meta")["Metadata"] == {"step": "2"}
    assert len(wires.of("PUT", "uploadId", "partNumber")) == 3
    left = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    assert [upload for upload in left if upload["Key"] == "meta"] == []  # those of the other arguments were taken back
    cut = Cut(client, at=2, operation="UploadPart")
    with pytest.raises(TransientStoreError):
        s3.upload(file, "bucket", "same", extra_args={"Metadata": {"step": "1"}, **SSE})
    cut.end()
    s3.upload(file, "bucket", "same", extra_args={"Metadata": {"step": "1"}, **SSE})
    assert s3.governor.status().faults["transfer_resumed"] == 1


# what is not there


@pytest.mark.parametrize(
    ("bucket", "key", "asked"),
    [("bucket", "gone", {}), ("no-such-bucket", "k", {}), ("bucket", "versioned", {"VersionId": "nope"})],
)
def test_what_is_not_there_has_an_error_of_its_own(client, versions, tmp_path, bucket, key, asked):
    area = StagingArea(tmp_path / "area", 100 * MIB)
    for rules in (NOTHING, STAGE):
        with S3(governor(rules), client, options=OPTIONS, staging=area) as s3:
            with pytest.raises(ObjectNotFound, match=f"{bucket}/{key}"):
                s3.download(bucket, key, tmp_path / "f", extra_args=asked)
            with pytest.raises(ObjectNotFound, match=f"{bucket}/{key}"):
                s3.open(bucket, key, extra_args=asked)
            assert s3.governor.status().counts.failed == 2
    assert [path.name for path in tmp_path.iterdir()] == ["area"]


def test_a_bucket_that_is_not_there_has_that_error_for_uploads_too(s3, file):
    for data in (b"small", content(2 * PART)):
        file.write_bytes(data)
        with pytest.raises(ObjectNotFound, match="no-such-bucket/k"):
            s3.upload(file, "no-such-bucket", "k")


def test_an_object_that_was_deleted_is_not_there_and_neither_is_its_marker(client, versions, s3, tmp_path):
    marker = client.delete_object(Bucket="bucket", Key="versioned")["VersionId"]
    with pytest.raises(ObjectNotFound):
        s3.download("bucket", "versioned", tmp_path / "f")
    with pytest.raises(ObjectNotFound):
        s3.download("bucket", "versioned", tmp_path / "f", extra_args={"VersionId": marker})
    s3.download("bucket", "versioned", tmp_path / "f", extra_args={"VersionId": versions[0][0]})
    assert digest((tmp_path / "f").read_bytes()) == digest(versions[0][1])


def test_other_refusals_are_no_missing_object(client, s3, file, tmp_path):
    with pytest.raises(StoreError) as caught:
        s3.upload(file, "bucket", "k", extra_args={"ContentType": 5})
    assert not isinstance(caught.value, ObjectNotFound)
