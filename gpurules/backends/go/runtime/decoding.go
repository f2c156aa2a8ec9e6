package rules

import "math"

// The layout of a state file, version 1. All numbers are little-endian; offsets in the header are in bytes, those in a
// slot in words of 8 bytes.
const (
	layoutVersion  = 1
	headerSize     = 256
	versionOffset  = 16
	versionSize    = 64
	sequenceOffset = 88
	closedOffset   = 96
	fixedWords     = 22
	directiveWord  = 8
	timestampWord  = 20
	maxGPUs        = 4096
	maxSlotSize    = 1 << 24
)

const (
	cellMissing = iota
	cellInteger
	cellDouble
	cellText
	cellTrue
	cellFalse
)

// decoder reads cells one after the other; bad is set where the words are not what they should be.
type decoder struct {
	words []uint64
	at    int
	heap  []byte
	bad   bool
}

func (d *decoder) cell() (kind, value uint64) {
	if d.at+2 > len(d.words) {
		d.bad = true
		return cellMissing, 0
	}
	kind, value = d.words[d.at], d.words[d.at+1]
	d.at += 2
	if kind > cellFalse {
		d.bad = true
	}
	return kind, value
}

func (d *decoder) number() Number {
	switch kind, value := d.cell(); kind {
	case cellInteger:
		return Int(int64(value))
	case cellDouble:
		return Float(math.Float64frombits(value))
	}
	return Number{}
}

func (d *decoder) truth() Truth {
	switch kind, _ := d.cell(); kind {
	case cellTrue:
		return True
	case cellFalse:
		return False
	}
	return Unknown
}

func (d *decoder) textOf(value uint64) Text {
	start, length := value>>32, value&math.MaxUint32
	if start+length > uint64(len(d.heap)) {
		d.bad = true
		return Text{}
	}
	return String(string(d.heap[start : start+length]))
}

func (d *decoder) text() Text {
	if kind, value := d.cell(); kind == cellText {
		return d.textOf(value)
	}
	return Text{}
}

func (d *decoder) index() Index {
	switch kind, value := d.cell(); kind {
	case cellInteger:
		return Board(int64(value))
	case cellText:
		return Instance(d.textOf(value).s)
	}
	d.bad = true
	return Index{}
}

// published is what one slot holds.
type published struct {
	sequence   uint64
	revision   uint64
	monotonic  int64
	wall       float64
	deadline   int64
	disabled   bool
	directives Decision
	state      *State
}

// decodeSlot reads the words of a slot; it returns nil where they are not a slot. Without withState only what every
// ruleset publishes is read.
func decodeSlot(words []uint64, withState bool) *published {
	if len(words) < fixedWords {
		return nil
	}
	gpus, heap := words[5]&math.MaxUint32, words[5]>>32
	p := &published{
		sequence:  words[0],
		revision:  words[1],
		monotonic: int64(words[2]),
		wall:      math.Float64frombits(words[3]),
		deadline:  int64(words[4]),
		disabled:  words[6]&1 != 0,
	}
	d := &decoder{words: words, at: directiveWord}
	p.directives = d.directives()
	if !withState {
		return p.unless(d.bad)
	}
	size := uint64(fixedWords) + 2*nodeColumns + gpus*2*(1+gpuColumns)
	if gpus > maxGPUs || slotSize(words[5]) > uint64(len(words)) {
		return nil
	}
	d.heap = bytesOf(words[size:], int(heap))
	d.words = words[:size]
	d.at = timestampWord
	p.state = &State{}
	p.state.decode(d, int(gpus))
	p.directives.SnapshotTime = p.state.Timestamp.f
	return p.unless(d.bad)
}

// slotSize returns how many words of a slot are in use, as the word with the number of GPUs and the length of the texts
// says.
func slotSize(counts uint64) uint64 {
	gpus, heap := counts&math.MaxUint32, counts>>32
	return uint64(fixedWords) + 2*nodeColumns + gpus*2*(1+gpuColumns) + (heap+7)/8
}

func (p *published) unless(bad bool) *published {
	if bad {
		return nil
	}
	return p
}

// directives reads what the rules of the agent ask of the node.
func (d *decoder) directives() Decision {
	found := neutral(OtherRuleset)
	if factor := d.number(); factor.f >= 0 && factor.f <= 1 && factor.Known() {
		found.PrefetchFactor = factor.f
	}
	found.Delay = math.Max(0, d.number().f)
	found.PriorityBoost = d.number().f
	found.MaxBandwidth = math.Max(0, d.number().f)
	found.MaxConcurrency = int64(math.Min(math.Max(0, d.number().f), math.MaxInt32))
	found.Paused = d.truth() == True
	return found
}

func bytesOf(words []uint64, length int) []byte {
	found := make([]byte, length)
	for i := range found {
		found[i] = byte(words[i>>3] >> (8 * (i & 7)))
	}
	return found
}

func neutral(basis Basis) Decision {
	return Decision{PrefetchFactor: 1, Basis: basis}
}

// Neutral returns a neutral bound state: no transfer is held back, and every decision is marked as stale.
func Neutral() *Bound { return fixed(neutral(Stale)) }

func fixed(decision Decision) *Bound {
	return &Bound{state: &State{}, start: decision, settled: decision}
}

// DecodeState returns the state that the bytes of a slot of a state file hold, nil where they hold none.
func DecodeState(slot []byte) *State {
	words := make([]uint64, len(slot)/8)
	for i := range words {
		for k := 7; k >= 0; k-- {
			words[i] = words[i]<<8 | uint64(slot[8*i+k])
		}
	}
	if p := decodeSlot(words, true); p != nil {
		return p.state
	}
	return nil
}
