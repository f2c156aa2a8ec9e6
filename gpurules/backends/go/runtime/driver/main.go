// Command driver decides on each line of its input: a JSON object with a snapshot, and a transfer, a workload, facts of
// the node and signals where there are any. It writes a decision a line, as JSON.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"rules"
)

type object = map[string]any

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	answers := bufio.NewWriter(out)
	defer answers.Flush()
	for number := 1; ; number++ {
		line, err := lines.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			answer := decide(line, number)
			text, _ := json.Marshal(answer)
			fmt.Fprintf(answers, "%s\n", text)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// decide returns the decision for one line, or an object that says what is wrong with it.
func decide(line string, number int) object {
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	var given object
	if err := decoder.Decode(&given); err != nil {
		return object{"error": fmt.Sprintf("line %d: %v", number, err)}
	}
	state, err := stateOf(given)
	if err != nil {
		return object{"error": fmt.Sprintf("line %d: %v", number, err)}
	}
	transfer, workload := transferOf(mapping(given["transfer"])), workloadOf(mapping(given["workload"]))
	bound := rules.Bind(state)
	return written(bound, bound.Decide(transfer, workload), transfer, workload)
}

func stateOf(given object) (*rules.State, error) {
	if text, ok := given["state"].(string); ok {
		slot, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		state := rules.DecodeState(slot)
		if state == nil {
			return nil, fmt.Errorf("the state is not a slot of a state file of this ruleset")
		}
		return state, nil
	}
	return snapshotOf(given)
}

func written(b *rules.Bound, d rules.Decision, t *rules.Transfer, w *rules.Workload) object {
	matched := []object{}
	for _, rule := range d.Matched.List() {
		devices := []any{}
		for _, index := range b.Devices(rule, t, w) {
			devices = append(devices, indexJSON(index))
		}
		actions := json.RawMessage(ruleActions[rule])
		matched = append(matched, object{"rule": rules.RuleNames[rule], "devices": devices, "actions": actions})
	}
	var stage any
	if d.Stage != nil {
		var area any
		if d.Stage.Area != "" {
			area = d.Stage.Area
		}
		stage = object{"area": area, "threshold": d.Stage.Threshold, "on_full": d.Stage.OnFull, "rule": d.Stage.Rule}
	}
	return object{
		"matched":         matched,
		"prefetch_factor": d.PrefetchFactor,
		"delay":           d.Delay,
		"priority_boost":  d.PriorityBoost,
		"stage":           stage,
		"max_bandwidth":   orNull(d.MaxBandwidth),
		"max_concurrency": orNull(float64(d.MaxConcurrency)),
		"paused":          d.Paused,
		"snapshot_time":   d.SnapshotTime,
		"stale":           d.Stale(),
		"ruleset_version": rules.Version,
	}
}

func orNull(value float64) any {
	if value == 0 {
		return nil
	}
	return value
}

func indexJSON(index rules.Index) any {
	text := index.String()
	if number, err := strconv.ParseInt(text, 10, 64); err == nil && index == rules.Board(number) {
		return number
	}
	return text
}

// mapping returns an object, empty where the value is not one.
func mapping(value any) object {
	found, _ := value.(object)
	return found
}

func number(value any) rules.Number {
	text, ok := value.(json.Number)
	if !ok {
		return rules.Number{}
	}
	if whole, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return rules.Int(whole)
	}
	real, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return rules.Number{}
	}
	return rules.Float(real)
}

func positive(value any) rules.Number {
	found := number(value)
	if found.Known() && found.Float64() < 0 {
		return rules.Number{}
	}
	return found
}

func text(value any) rules.Text {
	if found, ok := value.(string); ok {
		return rules.String(found)
	}
	return rules.Text{}
}

func truth(value any) rules.Truth {
	if found, ok := value.(bool); ok {
		return rules.Bool(found)
	}
	return rules.Unknown
}

func index(value any) (rules.Index, bool) {
	switch found := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(string(found), 10, 64); err == nil {
			return rules.Board(whole), true
		}
	case string:
		return rules.Instance(found), true
	}
	return rules.Index{}, false
}

func indexes(value any) []rules.Index {
	list, _ := value.([]any)
	var found []rules.Index
	for _, item := range list {
		if one, ok := index(item); ok {
			found = append(found, one)
		}
	}
	return found
}
