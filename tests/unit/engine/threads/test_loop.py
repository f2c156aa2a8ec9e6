import threading
import time

from gpurules.engine.threads.loop import Loop


def test_turns_go_on_after_one_that_raises(caplog):
    turns, done = [], threading.Event()

    def turn():
        turns.append(1)
        if len(turns) > 3:
            done.set()
        raise ValueError("broken")

    loop = Loop(turn, lambda: 0.001)
    loop.start()
    assert done.wait(5)
    loop.stop()
    loop.join(5)
    assert not loop.is_running
    assert "broken" in caplog.text


def test_wake_begins_the_next_turn_at_once():
    turns: list[float] = []
    woken = threading.Event()
    loop = Loop(lambda: (turns.append(1), woken.set()), lambda: 60.0)
    loop.start()
    for _ in range(3):
        assert woken.wait(5)
        woken.clear()
        loop.wake()
    loop.stop()
    began = time.monotonic()
    loop.join(5)
    assert time.monotonic() - began < 4


def test_what_was_stopped_does_not_start():
    loop = Loop(lambda: None, lambda: 60.0)
    loop.stop()
    loop.start()
    assert not loop.is_running
