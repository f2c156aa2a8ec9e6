"""Verifies a download against the cheapest available checksum of the store."""

from collections.abc import Callable, Iterator

from gpurules.clients.objects.checksums import (
    POLYNOMIALS,
    Checksum,
    combine_crcs,
    digest_of,
    is_available,
    new_digest,
    of_parts,
)
from gpurules.clients.objects.store import (
    CheckedObject,
    ChecksumMismatch,
    ObjectChanged,
    ObjectFacts,
    StoredObject,
    StoreError,
    Unverifiable,
)
from gpurules.clients.pieces.part_loop import PartOptions
from gpurules.clients.pieces.resumable_file import ResumableFile
from gpurules.clients.transfers.streams import Readable


class Verification:
    """The checksum of one download, chosen before its first byte: the store's first that can be computed here.

    Raises:
        Unverifiable: there is none, and ``options.verify`` is ``require``.
        ObjectChanged: the object has changed.
    """

    def __init__(self, source: StoredObject, facts: ObjectFacts, options: PartOptions) -> None:
        self._source = source
        self._facts = facts
        self._piece_size = options.piece_size
        self._is_required = options.verify == "require"
        self._refused: list[str] = []
        self._checksum = None if options.verify == "off" else self._chosen()
        if self._checksum is None and self._is_required:
            raise Unverifiable(f"{source.url} cannot be verified, as required by verify='require': {self._why()}")

    def _chosen(self) -> Checksum | None:
        if not isinstance(self._source, CheckedObject):
            return None
        try:
            for checksum in self._source.checksums(self._facts):
                if is_available(checksum.algorithm):
                    return checksum
                self._refused.append(checksum.algorithm)
        except ObjectChanged:
            raise
        except StoreError:  # the object can be read but not queried: continue without a checksum
            if self._is_required:
                raise
        return None

    def _why(self) -> str:
        if not self._refused:
            return "the store provides no checksum for it"
        return f"the store provides {', '.join(self._refused)}, which requires awscrt: pip install awscrt"

    @property
    def algorithm(self) -> str:
        """The checksum to record of each piece."""
        checksum = self._checksum
        return "CRC32" if checksum is None or not self._is_by_pieces(checksum) else checksum.algorithm

    def _is_by_pieces(self, checksum: Checksum) -> bool:
        """Whether it follows from the checksums of the pieces, without rereading the file."""
        if checksum.algorithm in POLYNOMIALS:
            return checksum.part_size % self._piece_size == 0
        return checksum.part_size == self._piece_size if checksum.count else self._facts.size <= self._piece_size

    def verify(self, partial: ResumableFile, check: Callable[[], object]) -> bool:
        """Return whether the complete file has the checksum; False if there is none to compare with.

        *check* is called on the way, and may raise.

        Raises:
            ChecksumMismatch: the bytes differ.
            Unverifiable: the store means something else by its value, and ``verify`` is ``require``.
        """
        checksum = self._checksum
        if checksum is None:
            return False
        found = self._by_pieces(partial, checksum) if self._is_by_pieces(checksum) else None
        if found is None:
            found = self._by_reading(partial, checksum, check)
        return self._judged(checksum, found)

    def running(self, source: Readable) -> "Running":
        """Return *source* for sequential reading without storage, compared at the end."""
        return Running(source, self._checksum, self._judged)

    def _judged(self, checksum: Checksum, found: bytes) -> bool:
        if found == checksum.value:
            return True
        if self._is_proof(checksum):
            raise ChecksumMismatch(
                f"{self._source.url}: expected {checksum}, got {found.hex()}; nothing was published. Try again; if it"
                " persists, the object is damaged, or its tag is not a digest (then use PartOptions(verify='off'))"
            )
        if self._is_required:
            raise Unverifiable(f"{self._source.url} does not match {checksum}, which may not be a digest of its bytes")
        return False

    def _is_proof(self, checksum: Checksum) -> bool:
        """Whether a mismatch proves that bytes differ: not if the part sizes differ from the assumed ones."""
        if not checksum.is_certain or not isinstance(self._source, CheckedObject):
            return False
        return checksum.count < 3 or self._source.has_equal_parts(self._facts, checksum)

    def _parts(self, checksum: Checksum) -> Iterator[range]:
        """Yield the starts of the pieces of each part; a checksum of all bytes has a single part."""
        size, each = self._facts.size, self._piece_size
        part_size = checksum.part_size if checksum.count else max(size, 1)
        for start in range(0, size, part_size) if size else (0,):
            yield range(start, min(size, start + part_size), each)

    def _by_pieces(self, partial: ResumableFile, checksum: Checksum) -> bytes:
        size, each = self._facts.size, self._piece_size

        def of_part(starts: range) -> bytes:
            if checksum.algorithm in POLYNOMIALS:
                pieces = ((partial.digest(start), min(each, size - start)) for start in starts)
                return combine_crcs(checksum.algorithm, pieces)
            return partial.digest(starts[0]) if starts else digest_of(checksum.algorithm, b"")

        digests = [of_part(starts) for starts in self._parts(checksum)]
        return of_parts(checksum.algorithm, digests) if checksum.count else digests[0]

    def _by_reading(self, partial: ResumableFile, checksum: Checksum, check: Callable[[], object]) -> bytes:
        digests = []
        for starts in self._parts(checksum):
            digest = new_digest(checksum.algorithm)
            for data in partial.read(starts.start, starts.stop - starts.start):
                digest.update(data)
                check()
            digests.append(digest.digest())
        return of_parts(checksum.algorithm, digests) if checksum.count else digests[0]


class Running:
    """The bytes of *source* with a running checksum; *judge* compares it at the end.

    Missing: *checksum* None: there is none to compare with.
    """

    def __init__(self, source: Readable, checksum: Checksum | None, judge: Callable[[Checksum, bytes], bool]) -> None:
        self._source = source
        self._checksum = checksum
        self._judge = judge
        self._digest = None if checksum is None else new_digest(checksum.algorithm)
        self._digests: list[bytes] = []
        self._left = checksum.part_size if checksum is not None and checksum.count else 0

    def read(self, size: int, /) -> bytes:
        """Return up to *size* bytes; none at the end."""
        data = self._source.read(size)
        self._update(data)
        return data

    def _update(self, data: bytes) -> None:
        checksum, view = self._checksum, memoryview(data)
        while checksum is not None and self._digest is not None and view:
            now = view[: self._left] if checksum.count else view
            self._digest.update(now)
            self._left, view = self._left - len(now), view[len(now) :]
            if checksum.count and not self._left:
                self._digests.append(self._digest.digest())
                self._digest, self._left = new_digest(checksum.algorithm), checksum.part_size

    def verify(self) -> bool:
        """Return whether all bytes have the checksum; False if there is none to compare with.

        Raises:
            ChecksumMismatch: the bytes differ.
            Unverifiable: the store means something else by its value, and ``verify`` is ``require``.
        """
        checksum, digest = self._checksum, self._digest
        if checksum is None or digest is None:
            return False
        if not checksum.count:
            return self._judge(checksum, digest.digest())
        if self._left < checksum.part_size:
            self._digests.append(digest.digest())
        return self._judge(checksum, of_parts(checksum.algorithm, self._digests))
