"""Readers in many threads while an agent writes a thousand states a second: every state is whole."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpurules.service.state_file import StateFile
from tests.integration.state_file.probes import RULES, FakeAgent, build_c, build_go
from tests.targets import GCC, GO, STRICT, run, write

pytestmark = pytest.mark.slow
SECONDS = 2.0

GO_TEST = """package rules

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

func TestStatesAreWholeWhileAnAgentWrites(t *testing.T) {
	reader := Open(os.Getenv("STATE"))
	defer reader.Close()
	end := time.Now().Add(1500 * time.Millisecond)
	var wait sync.WaitGroup
	for n := 0; n < 4; n++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			seen, decisions := map[float64]bool{}, 0
			for ; time.Now().Before(end); decisions++ {
				bound := reader.Bound()
				d := bound.Decide(&Transfer{}, nil)
				if d.Basis != Fresh {
					t.Error("not fresh")
					return
				}
				memory := bound.state.GPUs[0].Memory
				for _, g := range bound.state.GPUs {
					if g.Memory != memory || g.Name.Value() != fmt.Sprintf("gpu-%g", memory.Float64()) {
						t.Errorf("torn: %v %v %v", memory, g.Memory, g.Name)
						return
					}
				}
				if d.Matched.Has(RuleHigh) != (memory.Float64() > 50) {
					t.Error("decided on something else")
				}
				seen[memory.Float64()] = true
			}
			if len(seen) < 20 || decisions < 100 {
				t.Errorf("saw only %d states in %d decisions", len(seen), decisions)
			}
		}()
	}
	wait.Wait()
}

func FuzzSlotsThatAreNone(f *testing.F) {
	slot, err := os.ReadFile(os.Getenv("SLOT"))
	if err != nil {
		f.Skip("no slot")
	}
	f.Add(slot)
	f.Add(slot[:len(slot)/2])
	f.Add([]byte{})
	f.Add(make([]byte, 8*fixedWords))
	f.Fuzz(func(t *testing.T, data []byte) {
		if state := DecodeState(data); state != nil {
			Bind(state).Decide(&Transfer{Path: String("a")}, nil)
		}
	})
}

func TestADecisionAllocatesNothing(t *testing.T) {
	bound := Bind(&State{GPUs: []GPU{{Memory: Int(90), Name: String("gpu-1")}}})
	transfer := &Transfer{Size: Int(20)}
	if n := testing.AllocsPerRun(100, func() { bound.Decide(transfer, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
"""
C_TEST = """#include "gr.c"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int failures;
static const char *path;

static void *follow(void *unused) {
    gr_reader *reader = calloc(1, sizeof *reader);
    int64_t end = gr_monotonic() + 1500000000;
    int states = 0;
    uint64_t before = 0;
    (void)unused;
    gr_reader_open(reader, path);
    while (gr_monotonic() < end) {
        gr_decision d;
        const gr_bound *bound = gr_reader_bound(reader);
        gr_decide(bound, NULL, NULL, &d);
        double memory = bound->state->gpus[0].memory.f;
        char name[32];
        (void)snprintf(name, sizeof name, "gpu-%g", memory);
        for (size_t i = 0; i < bound->state->gpus_length; i++) {
            const gr_gpu *g = &bound->state->gpus[i];
            if (g->memory.f < memory || g->memory.f > memory || !gr_text_equals(g->name, gr_string(name))) {
                failures++;
            }
        }
        if (d.basis != GR_FRESH || gr_has(&d.matched, GR_RULE_HIGH) != (memory > 50)) {
            failures++;
        }
        states += reader->revision != before;
        before = reader->revision;
    }
    failures += states < 20;
    gr_reader_close(reader);
    free(reader);
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t threads[4];
    if (count < 2) {
        return 2;
    }
    path = arguments[1];
    for (int i = 0; i < 4; i++) {
        (void)pthread_create(&threads[i], NULL, follow, NULL);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return failures != 0;
}
"""


@contextmanager
def writing(path: Path) -> Iterator[FakeAgent]:
    """Write about a thousand states a second meanwhile, also a file of another size now and then."""
    agent, ended = FakeAgent(path), threading.Event()
    agent.write(0)

    def go_on() -> None:
        while not ended.wait(0.0005):
            agent.write(agent.revision % 100, gpus=8 if agent.revision % 700 else 8 + agent.revision // 70)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield agent
    finally:
        ended.set()
        thread.join()


@pytest.mark.skipif(GO is None or GCC is None, reason="the race detector needs Go and a C compiler")
def test_go_reads_whole_states_and_has_no_race(tmp_path: Path) -> None:
    build_go(tmp_path)
    write({"reader_test.go": GO_TEST}, tmp_path)
    run(["go", "test", "-race", "-c", "-o", "reader.test"], tmp_path)
    with writing(tmp_path / "state") as agent:
        run(["env", f"STATE={tmp_path / 'state'}", "./reader.test", "-test.run", "Whole"], tmp_path)
        assert agent.revision > 200
    (tmp_path / "slot").write_bytes((tmp_path / "state").read_bytes()[512:2048])
    run(["env", f"SLOT={tmp_path / 'slot'}", "./reader.test", "-test.run", "Fuzz"], tmp_path)


@pytest.mark.skipif(GO is None, reason="Go is not installed")
def test_a_decision_in_go_allocates_nothing_and_odd_slots_crash_nothing(tmp_path: Path) -> None:
    build_go(tmp_path)
    agent = FakeAgent(tmp_path / "state")
    agent.write(70)
    data = (tmp_path / "state").read_bytes()
    offset, size = (int.from_bytes(data[at : at + 4], "little") for at in (112, 116))
    (tmp_path / "slot").write_bytes(data[offset + size : offset + 2 * size])
    write({"reader_test.go": GO_TEST}, tmp_path)
    run(["go", "test", "-run", "Allocates"], tmp_path)
    run(
        ["env", f"SLOT={tmp_path / 'slot'}", "go", "test", "-run", "none", "-fuzz", "Fuzz", "-fuzztime", "3s"], tmp_path
    )


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_c_reads_whole_states_and_has_no_race(tmp_path: Path, sanitizer: str) -> None:
    build_c(tmp_path)
    write({"follow.c": C_TEST}, tmp_path)
    options = ("-O1", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-pthread")
    run(["gcc", *STRICT, *options, "follow.c", "-o", "follow", "-lm"], tmp_path)
    with writing(tmp_path / "state"):
        run(["./follow", str(tmp_path / "state")], tmp_path)


def test_python_reads_whole_states(tmp_path: Path) -> None:
    assert "gpu_memory" in RULES
    with writing(tmp_path / "state"):
        file, seen = StateFile(tmp_path / "state"), set()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            view = file.read()
            memories = {columns["gpu_memory"] for _, columns in view.gpus}
            assert len(memories) == 1
            assert {columns["gpu_name"] for _, columns in view.gpus} == {f"gpu-{memories.copy().pop()}"}
            seen |= memories
    assert len(seen) > 20
