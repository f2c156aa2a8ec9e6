//go:build linux

package rules

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Reader follows the state file of an agent. Any number of goroutines may use one.
type Reader struct {
	path    string
	base    time.Time
	offset  int64
	turn    sync.Mutex
	retryAt int64
	err     error
	current atomic.Pointer[view]
	closed  atomic.Bool
}

// view is what a reader saw last.
type view struct {
	mapping   *mapping
	sequence  uint64
	monotonic int64
	deadline  int64
	wall      float64
	revision  uint64
	state     *State
	bound     *Bound
}

var stale = Neutral()

const (
	retryAfter  = int64(100 * time.Millisecond)
	maxAttempts = 64
)

// ErrOtherRuleset says that the agent runs other rules than this package was generated from.
var ErrOtherRuleset = errors.New("the agent runs another ruleset")

// ErrDisabled says that the agent has put its rules out of force for now.
var ErrDisabled = errors.New("the rules are not in force")

// Open returns a reader of the state file at path. It need not be there yet: until it is, decisions are stale.
func Open(path string) *Reader {
	r := &Reader{path: path, base: time.Now(), err: errors.New("not read yet")}
	r.offset = monotonicClock() - int64(time.Since(r.base))
	r.current.Store(&view{bound: stale})
	r.Bound()
	return r
}

// Close lets go of the file; decisions are stale from then on.
func (r *Reader) Close() {
	r.closed.Store(true)
	r.current.Store(&view{bound: stale})
}

// Bound returns the newest state, bound; it never waits, and never returns nil. It is cheap: call it for each decision.
func (r *Reader) Bound() *Bound {
	v, now := r.current.Load(), r.now()
	if v.mapping != nil && v.isLive(now) {
		if sequence, closed := v.mapping.heads(); sequence == v.sequence && closed == 0 {
			return v.at(now)
		}
	}
	return r.refresh(now)
}

// Status returns nil while decisions rest on fresh telemetry of the same ruleset, else why they do not.
func (r *Reader) Status() error {
	bound := r.Bound()
	r.turn.Lock()
	defer r.turn.Unlock()
	switch bound.start.Basis {
	case Fresh:
		return nil
	case OtherRuleset:
		return ErrOtherRuleset
	case Disabled:
		return ErrDisabled
	}
	if r.err != nil {
		return r.err
	}
	return errors.New("the agent is silent")
}

// Revision returns the number of the state that Bound rests on, and when it was published.
func (r *Reader) Revision() (uint64, time.Time) {
	r.Bound()
	v := r.current.Load()
	seconds, fraction := math.Modf(v.wall)
	return v.revision, time.Unix(int64(seconds), int64(fraction*1e9))
}

func (r *Reader) now() int64 { return r.offset + int64(time.Since(r.base)) }

// isLive reports whether a view still holds: a deadline that is far off, or of another boot, does not count.
func (v *view) isLive(now int64) bool {
	return now <= v.deadline && v.monotonic <= now+int64(time.Second)
}

func (v *view) at(now int64) *Bound {
	return boundAt(v.state, v.bound, float64(now-v.monotonic)/1e9)
}

func (r *Reader) refresh(now int64) *Bound {
	if r.closed.Load() || !r.turn.TryLock() {
		if v := r.current.Load(); v.mapping != nil && v.isLive(now) {
			return v.at(now)
		}
		return stale
	}
	defer r.turn.Unlock()
	v := r.current.Load()
	if v.mapping == nil || v.mapping.isClosed() || !v.isLive(now) {
		v = r.reopen(v, now)
	}
	if v.mapping == nil {
		return stale
	}
	if fresh := v.mapping.read(v.sequence); fresh != nil && !r.closed.Load() {
		v = fresh
		r.current.Store(v)
	}
	if !v.isLive(now) {
		r.err = nil
		return stale
	}
	return v.at(now)
}

// reopen maps the file that is at the path now, at most ten times a second.
func (r *Reader) reopen(v *view, now int64) *view {
	isNews := v.mapping != nil && v.mapping.isClosed() && !v.mapping.isLeft
	if !isNews && now < r.retryAt && now > r.retryAt-2*retryAfter {
		return v
	}
	r.retryAt = now + retryAfter
	if isNews {
		v.mapping.isLeft = true
	}
	if v.mapping != nil && !v.mapping.isClosed() && v.mapping.isAt(r.path) {
		return v
	}
	m, err := mapFile(r.path)
	r.err = err
	if err != nil && v.mapping != nil && v.mapping.isClosed() {
		v = &view{bound: stale} // the agent has ended in order
		r.current.Store(v)
	}
	if err != nil {
		return v
	}
	return &view{mapping: m, bound: stale, deadline: math.MinInt64}
}

// mapping is a file in memory; it is unmapped when no view has it any more.
type mapping struct {
	data       []byte
	words      []uint64
	info       os.FileInfo
	slot, size int
	same       bool
	isLeft     bool // another file has been looked for since this one was closed
}

func mapFile(path string) (*mapping, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() < headerSize || info.Size() > 4*maxSlotSize {
		return nil, fmt.Errorf("%s is not a state file", path)
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	m := &mapping{data: data, info: info}
	runtime.SetFinalizer(m, func(m *mapping) { _ = syscall.Munmap(m.data) })
	m.words = unsafe.Slice((*uint64)(unsafe.Pointer(&data[0])), len(data)/8)
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// check reads the header, which does not change.
func (m *mapping) check() error {
	header, ok := m.copy(0, headerSize/8)
	if !ok {
		return errors.New("the file was cut off")
	}
	raw := bytesOf(header, headerSize)
	if string(raw[:8]) != "GPURULES" {
		return errors.New("not a state file")
	}
	if version := binary.LittleEndian.Uint32(raw[8:]); version != layoutVersion {
		return fmt.Errorf("the layout is of version %d, and this reader knows %d", version, layoutVersion)
	}
	if header[closedOffset/8] != 0 {
		return errors.New("the agent has ended")
	}
	if boot := binary.LittleEndian.Uint64(raw[104:]); boot != 0 && boot != bootID() {
		return errors.New("the file is from before the last boot")
	}
	m.slot, m.size = int(binary.LittleEndian.Uint32(raw[112:])), int(binary.LittleEndian.Uint32(raw[116:]))
	if m.slot%8 != 0 || m.size%8 != 0 || m.size < fixedWords*8 || m.size > maxSlotSize || m.slot+2*m.size > len(m.data) {
		return errors.New("the slots are not inside the file")
	}
	version := string(bytes.TrimRight(raw[versionOffset:versionOffset+versionSize], "\x00"))
	gpu, node := binary.LittleEndian.Uint32(raw[120:]), binary.LittleEndian.Uint32(raw[124:])
	m.same = version == Version && binary.LittleEndian.Uint64(raw[80:]) == schemaFingerprint &&
		gpu == gpuColumns && node == nodeColumns
	return nil
}

// copy returns words of the file; it reports false where the file was cut off under us.
func (m *mapping) copy(at, count int) (found []uint64, ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			found, ok = nil, false
		}
	}()
	found = make([]uint64, count)
	for i := range found {
		found[i] = atomic.LoadUint64(&m.words[at+i])
	}
	return found, true
}

// slotWords copies the part of a slot that is in use.
func (m *mapping) slotWords(at int) ([]uint64, bool) {
	head, ok := m.copy(at, fixedWords)
	if !ok {
		return nil, false
	}
	count := slotSize(head[5])
	if count > uint64(m.size/8) {
		count = uint64(m.size / 8)
	}
	return m.copy(at, int(count))
}

func (m *mapping) word(at int) (value uint64) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	return atomic.LoadUint64(&m.words[at/8])
}

// heads returns the two words that differ once anything has changed.
func (m *mapping) heads() (sequence, closed uint64) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	sequence = atomic.LoadUint64(&m.words[sequenceOffset/8])
	return sequence, atomic.LoadUint64(&m.words[closedOffset/8])
}

func (m *mapping) sequence() uint64 { return m.word(sequenceOffset) }
func (m *mapping) isClosed() bool   { return m.word(closedOffset) != 0 }

func (m *mapping) isAt(path string) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, m.info)
}

// read returns the newest state, nil where there is none but that of the sequence known, or none that is whole.
func (m *mapping) read(known uint64) *view {
	for attempt := 0; attempt < maxAttempts; attempt++ {
		sequence := m.sequence()
		if sequence == known || sequence == 0 {
			return nil
		}
		words, ok := m.slotWords((m.slot + int(sequence&1)*m.size) / 8)
		if !ok {
			return nil
		}
		if m.sequence() != sequence || words[0] != sequence {
			continue
		}
		p := decodeSlot(words, m.same)
		if p == nil {
			return nil
		}
		v := &view{mapping: m, sequence: sequence, monotonic: p.monotonic, deadline: p.deadline, wall: p.wall}
		v.revision, v.state = p.revision, p.state
		switch {
		case p.disabled:
			v.state, v.bound = nil, fixed(neutral(Disabled))
		case m.same:
			v.bound = Bind(p.state)
		default:
			p.directives.SnapshotTime = p.wall
			v.bound = fixed(p.directives)
		}
		return v
	}
	return nil
}

func monotonicClock() int64 {
	var now syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0); err != 0 {
		return 0
	}
	return now.Nano()
}

// bootID identifies this boot, since clocks start again with it: FNV-1a of what Linux calls it.
func bootID() uint64 {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return 0
	}
	hash := uint64(0xcbf29ce484222325)
	for _, c := range bytes.TrimSpace(text) {
		hash = (hash ^ uint64(c)) * 0x100000001b3
	}
	return hash
}
