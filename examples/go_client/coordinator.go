package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"rules"
)

// Coordinator has the API of the original design, on compiled rules and the state file of the node's agent.
type Coordinator struct {
	reader    *rules.Reader
	lock      sync.RWMutex
	workloads map[string]*rules.Workload
	pending   map[string]time.Time
}

// NewCoordinator follows the state file at path.
func NewCoordinator(path string) *Coordinator {
	return &Coordinator{rules.Open(path), sync.RWMutex{}, map[string]*rules.Workload{}, map[string]time.Time{}}
}

// RegisterWorkload adds or renews a job of this client.
func (c *Coordinator) RegisterWorkload(id string, workload *rules.Workload) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.workloads[id] = workload
}

// ScheduleTransfer returns what the rules ask of a transfer now, and which rules: call it again until it may start.
func (c *Coordinator) ScheduleTransfer(transfer rules.Transfer, workload string) (rules.Decision, string) {
	id := transfer.ID.Value()
	c.lock.Lock()
	if _, ok := c.pending[id]; !ok {
		c.pending[id] = time.Now()
	}
	transfer.Created = rules.Float(float64(c.pending[id].UnixMilli()) / 1000)
	job := c.workloads[workload]
	c.lock.Unlock()
	bound := c.reader.Bound()
	decision := bound.Decide(&transfer, job)
	return decision, strings.ReplaceAll(strings.TrimSpace(bound.Explain(&transfer, job)), "\n", "; ")
}

// CompleteTransfer forgets a transfer that has ended.
func (c *Coordinator) CompleteTransfer(id string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	delete(c.pending, id)
}

// ShouldReducePrefetch returns whether to read less ahead, and what is left of it.
func (c *Coordinator) ShouldReducePrefetch() (bool, float64) {
	decision := c.reader.Bound().Decide(nil, nil)
	return decision.PrefetchFactor < 1, decision.PrefetchFactor
}

// Status returns a line for people.
func (c *Coordinator) Status() string {
	revision, published := c.reader.Revision()
	if err := c.reader.Status(); err != nil {
		return fmt.Sprintf("no rules in force: %v", err)
	}
	return fmt.Sprintf("ruleset %s %s, state %d of %s", rules.Ruleset, rules.Version, revision, published.Format("15:04:05"))
}
