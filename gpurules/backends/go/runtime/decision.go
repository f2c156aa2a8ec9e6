package rules

import (
	"math/bits"
	"strconv"
	"strings"
)

// Rules is a set of rules.
type Rules [ruleWords]uint64

// Has reports whether a rule is in the set.
func (r *Rules) Has(rule int) bool {
	return rule >= 0 && rule < RuleCount && r[rule>>6]>>(rule&63)&1 != 0
}

func (r *Rules) set(rule int) { r[rule>>6] |= 1 << (rule & 63) }

// List returns the rules of the set, the weightiest first.
func (r *Rules) List() []int {
	var found []int
	for word, left := range r {
		for ; left != 0; left &= left - 1 {
			found = append(found, word<<6+bits.TrailingZeros64(left))
		}
	}
	return found
}

// Names returns the names of the rules in the set, the weightiest first.
func (r *Rules) Names() []string {
	found := []string{}
	for _, rule := range r.List() {
		found = append(found, RuleNames[rule])
	}
	return found
}

// Basis says what a decision rests on.
type Basis uint8

const (
	// Fresh: on a state that is not stale.
	Fresh Basis = iota
	// Stale: the agent is silent, or was never there; the decision is neutral.
	Stale
	// OtherRuleset: the agent runs other rules; the decision is what those ask of the node.
	OtherRuleset
	// Disabled: the agent has put its rules out of force for now; the decision is neutral.
	Disabled
)

// Stage says where a transfer is staged. Area is empty where the client chooses it; Threshold is in bytes.
type Stage struct {
	Area      string
	Threshold float64
	OnFull    string
	Rule      string
}

// Decision is what all matching rules together ask of a transfer.
type Decision struct {
	// Matched has the rules that match, without those in shadow mode and those that a stop cuts off.
	Matched Rules
	// PrefetchFactor is what is left of the prefetch: 1 all of it, 0 nothing.
	PrefetchFactor float64
	// Delay is how long the transfer waits, in seconds.
	Delay float64
	// PriorityBoost is added to the priority of the transfer.
	PriorityBoost float64
	// MaxBandwidth is in bytes/second; 0: unlimited.
	MaxBandwidth float64
	// MaxConcurrency is how many transfers run at once; 0: unlimited.
	MaxConcurrency int64
	// Stage is nil where the transfer goes directly.
	Stage *Stage
	// Paused: the transfer waits until no rule pauses it.
	Paused bool
	// Basis says what the decision rests on.
	Basis Basis
	// SnapshotTime is when the telemetry was read, in seconds since 1970.
	SnapshotTime float64
}

// Stale reports whether the decision does not rest on fresh telemetry.
func (d *Decision) Stale() bool { return d.Basis == Stale }

// Explain names the rules that match, and the GPUs on which they do.
func (b *Bound) Explain(t *Transfer, w *Workload) string {
	decision := b.Decide(t, w)
	var out strings.Builder
	for _, rule := range decision.Matched.List() {
		out.WriteString(RuleNames[rule])
		for i, index := range b.Devices(rule, t, w) {
			out.WriteString(map[bool]string{true: " on GPU ", false: ", "}[i == 0])
			out.WriteString(index.String())
		}
		out.WriteString("\n")
	}
	return out.String()
}

// String returns the index as text.
func (i Index) String() string {
	if i.name != "" {
		return i.name
	}
	return strconv.FormatInt(i.number, 10)
}

// Uses reports whether a GPU is one of the workload's own.
func (w *Workload) Uses(index Index) bool {
	for i := range w.GPUs {
		if w.GPUs[i] == index {
			return true
		}
	}
	return false
}

func ageOf(since, now Number) float64 {
	if since.kind == missing || !(now.f > since.f) {
		return 0
	}
	return float64(now.f - since.f)
}

func timeSince(since, now Number) Number {
	if since.kind == missing {
		return since
	}
	age := subtract(now, since)
	if age.kind != missing && !(age.f > 0) {
		return Float(0)
	}
	return age
}

func (c *context) transferAge() Number { return timeSince(c.t.Created, c.state.Timestamp) }
func (c *context) workloadAge() Number { return timeSince(c.w.Started, c.state.Timestamp) }
