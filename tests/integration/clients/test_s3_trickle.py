"""A connection that trickles is cut, and its piece tried again; one that is slow but well is left alone."""

import io
import math
import os
import threading
import time

import pytest

from gpurules.clients import S3, PartOptions, TransientStoreError
from gpurules.clients.objects.store import TooSlow
from gpurules.clients.objects.watchdog import FEW, MANY, Watchdog
from tests.integration.clients.conftest import content, digest
from tests.integration.clients.test_s3 import NOTHING, governor
from tests.integration.clients.trickler import Trickler
from tests.waiting import wait_until

MIB = 1024**2
SOON = {"verify": "off", "min_bytes_per_second": 1_000_000.0, "slow_seconds": 0.4, "backoff_seconds": 0.01}


@pytest.fixture
def serve():
    made = []

    def start(data, pace=lambda number: None):
        made.append(Trickler(data, pace))
        return made[-1]

    yield start
    for server in made:
        server.close()


def client_for(client, **options):
    return S3(
        governor(NOTHING),
        client,
        options=PartOptions(**{"piece_size": MIB, "parts_ahead": 1, "verify": "off", **SOON, **options}),
    )


def drip(*numbers):
    """Return a pace by which the requests of these numbers trickle: a byte now and then, for ever."""
    return lambda number: (1, 0.02) if number in numbers else None


@pytest.mark.parametrize("slow", [(1,), (2,), (3,), (1, 2, 4)], ids=str)
def test_a_download_whose_connection_trickles_is_tried_again(serve, client_of, tmp_path, slow):
    data = content(3 * MIB)
    server = serve(data, drip(*slow))
    began = time.monotonic()
    with client_for(client_of(server.port)) as s3:
        s3.download("bucket", "k", tmp_path / "f")
        faults = s3.governor.status().faults
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert (faults["part_too_slow"], faults["part_retried"]) == (len(slow), len(slow))
    assert time.monotonic() - began < 20, "a byte every 20 ms would take hours"


def test_an_open_object_whose_connection_trickles_is_tried_again(serve, client_of):
    data = content(2 * MIB)
    server = serve(data, drip(1, 3))
    with client_for(client_of(server.port)) as s3, s3.open("bucket", "k") as stream:
        assert digest(stream.read()) == digest(data)
    assert s3.governor.status().faults["part_too_slow"] == 2


def test_one_that_always_trickles_ends_with_an_error_that_says_so(serve, client_of, tmp_path):
    server = serve(content(2 * MIB), lambda number: (1, 0.02))
    with client_for(client_of(server.port), attempts=2) as s3:
        with pytest.raises(TransientStoreError, match=r"fewer than 1e\+06 bytes per second arrived for 0\.4 s"):
            s3.download("bucket", "k", tmp_path / "f")
        with pytest.raises(TooSlow):
            s3.download_fileobj("bucket", "k", io.BytesIO())
    assert list(tmp_path.iterdir()) == []
    wait_until(lambda: len(server.broken) >= len(server.ranges), what="connections are closed, not left in background")


def test_a_connection_that_begins_to_trickle_in_the_middle_is_cut(serve, client_of, tmp_path):
    data = content(MIB)

    class Stalls(Trickler):
        def answer(self, request):
            if len(self.ranges):
                return super().answer(request)
            self.ranges.append(request.headers["Range"])
            self.head(request, 206, MIB, {"Content-Range": f"bytes 0-{MIB - 1}/{MIB}"})
            try:
                request.wfile.write(data[: MIB // 2])
                for place in range(MIB // 2, MIB):
                    time.sleep(0.02)  # a slow server; the client measures bytes per second of real time
                    request.wfile.write(data[place : place + 1])
            except OSError:
                request.close_connection = True

    server = Stalls(data)
    try:
        with client_for(client_of(server.port)) as s3:
            s3.download("bucket", "k", tmp_path / "f")
            assert s3.governor.status().faults["part_too_slow"] == 1
    finally:
        server.close()
    assert digest((tmp_path / "f").read_bytes()) == digest(data)


@pytest.mark.parametrize(
    "options", [{"min_bytes_per_second": 10_000.0}, {"min_bytes_per_second": 0}], ids=["floor", "off"]
)
def test_one_that_is_slow_but_above_the_floor_is_left_alone(serve, client_of, tmp_path, options):
    data = content(200_000)
    server = serve(data, lambda number: (5_000, 0.05))  # 2 s at 100 kB/s
    with client_for(client_of(server.port), **options) as s3:
        s3.download("bucket", "k", tmp_path / "f")
        assert s3.governor.status().faults == {}
    assert digest((tmp_path / "f").read_bytes()) == digest(data) and len(server.ranges) == 1


def test_a_reader_that_takes_its_time_is_not_the_connections_fault(serve, client_of, tmp_path):
    data = content(MIB)
    server = serve(data)

    class Slow(io.BytesIO):
        def write(self, chunk):
            time.sleep(0.3)  # a slow reader; the client measures the time that the connection takes
            return super().write(chunk)

    sink, slow = Slow(), []
    with client_for(client_of(server.port)) as s3:
        s3.download_fileobj("bucket", "k", sink)
        # sleep: a slow reader, as above
        s3.download("bucket", "k", tmp_path / "f", callback=lambda amount: (slow.append(amount), time.sleep(0.3)))
        assert s3.governor.status().faults == {}
    assert digest(sink.getvalue()) == digest(data) and len(slow) >= 2


def test_the_thread_that_watches_ends_with_what_it_watches(serve, client_of, tmp_path):
    def watching():
        return [thread for thread in threading.enumerate() if thread.name == "gpurules-watchdog"]

    server = serve(content(MIB))
    with client_for(client_of(server.port)) as s3:
        for _ in range(2):
            s3.download("bucket", "k", tmp_path / "f")
            wait_until(lambda: not watching(), what="the watchdog ends")


@pytest.mark.parametrize("name", ["min_bytes_per_second", "slow_seconds"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_options_that_watch_nothing_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        PartOptions(**{name: value})


# the arithmetic, without a connection


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("gpurules.clients.objects.watchdog.time.monotonic", lambda: self.now)

    def reads(self, watch, size, seconds):
        """Have *watch* read up to *size* bytes, which take that long."""

        def read(wanted):
            self.now += seconds
            return bytes(min(size, wanted))

        return watch.read(read)


@pytest.fixture
def dog():
    the = Watchdog(1000, 10)
    the._thread = threading.current_thread()  # it is looked at by hand
    return the


def test_reads_that_each_come_quickly_enough_are_summed_up(dog, monkeypatch):
    clock, watch = Clock(monkeypatch), dog.watch("url", lambda: None)
    for _ in range(4):
        clock.reads(watch, 2_000, 2)
    with pytest.raises(TooSlow):
        clock.reads(watch, 1_999, 2)
    fine = dog.watch("url", lambda: None)
    for _ in range(20):
        assert clock.reads(fine, 2_000, 2) == bytes(2_000)


def test_a_read_under_way_is_cut_only_when_nothing_that_it_may_bring_would_do(dog, monkeypatch):
    clock, cuts = Clock(monkeypatch), []
    watch = dog.watch("url", lambda: cuts.append(clock.now))

    def read(wanted):
        assert wanted == FEW
        for clock.now in range(1, 40):
            watch.look(clock.now)
        raise OSError("cut")

    with pytest.raises(TooSlow):
        watch.read(read)
    assert cuts == [math.ceil(FEW / 1000)], "16.384 s at the floor"


def test_more_is_asked_for_at_once_while_it_comes_quickly(dog, monkeypatch):
    clock, watch = Clock(monkeypatch), dog.watch("url", lambda: None)
    assert len(clock.reads(watch, MIB, 0.001)) == FEW
    assert len(clock.reads(watch, MIB, 0.1)) == MANY
    assert len(clock.reads(watch, MIB, 0.6)) == MANY
    assert len(clock.reads(watch, MIB, 0.001)) == FEW


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_cut_the_connections_of_the_first(dog):
    dog.watch("url", lambda: None)
    child = os.fork()
    if child == 0:
        ours = dog.watch("url", lambda: None)
        os._exit(0 if dog._watched == {ours} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
