package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"rules"
)

// snapshotOf returns the state of a snapshot, of facts of the node that are given, and of signals and windows.
func snapshotOf(given object) (*rules.State, error) {
	snapshot, ok := given["snapshot"].(object)
	if !ok {
		return nil, fmt.Errorf("a line needs a snapshot")
	}
	items, ok := snapshot["gpus"].([]any)
	if !ok && snapshot["gpus"] != nil {
		return nil, fmt.Errorf("gpus must be a list")
	}
	signals, windows := mapping(given["signals"]), mapping(given["windows"])
	state := &rules.State{Timestamp: rules.Float(0)}
	if stamp := number(snapshot["timestamp"]); stamp.Known() {
		state.Timestamp = stamp
	}
	boards, lost := 0, 0
	for _, gpu := range toldApart(items) {
		tidy(gpu.facts)
		if isInstance, _ := gpu.facts["mig"].(bool); !isInstance {
			boards++
			if gpu.facts["healthy"] == false || gpu.facts["status"] == "lost" {
				lost++
			}
		}
		made := rules.GPU{Index: gpu.index}
		fillGPU(&made, gpu.facts, mapping(gpu.facts["labels"]), signals, windows, gpu.index)
		state.GPUs = append(state.GPUs, made)
	}
	node, labels := mapping(given["node"]), mapping(snapshot["labels"])
	fillNode(state, func(name string) any {
		if value := node[name]; value != nil {
			return value
		}
		return known(name, snapshot, labels, [2]int{boards, lost})
	}, signals, windows)
	return state, nil
}

// known returns a fact of the node that is not given by hand.
func known(name string, snapshot, labels object, counts [2]int) any {
	switch name {
	case "gpu_count":
		return json.Number(strconv.Itoa(counts[0]))
	case "gpu_lost_count":
		return json.Number(strconv.Itoa(counts[1]))
	case "host", "driver_version":
		return snapshot[name]
	case "active_training", "active_inference":
		return false
	case "active_workloads", "pending_transfers", "pending_bytes", "telemetry_age":
		return json.Number("0")
	case "hour", "weekday", "time_of_day":
		return localTime(name, number(snapshot["timestamp"]).Float64())
	}
	return labels[name]
}

func localTime(name string, timestamp float64) any {
	zone, err := time.LoadLocation(timezone)
	if err != nil || math.Abs(timestamp) > 253402300799 {
		return nil
	}
	whole := math.Floor(timestamp)
	micro := math.RoundToEven((timestamp - whole) * 1e6)
	local := time.Unix(int64(whole), int64(micro)*1000).In(zone)
	switch name {
	case "hour":
		return json.Number(strconv.Itoa(local.Hour()))
	case "weekday":
		return strings.ToLower(local.Weekday().String()[:3])
	}
	seconds := local.Hour()*3600 + local.Minute()*60 + local.Second()
	if fraction := local.Nanosecond() / 1000; fraction != 0 {
		return json.Number(strconv.FormatFloat(float64(seconds)+float64(fraction)/1e6, 'g', -1, 64))
	}
	return json.Number(strconv.Itoa(seconds))
}

type gpuFacts struct {
	index    rules.Index
	identity string
	facts    object
}

// toldApart gives every GPU an index of its own; one that is in the snapshot twice counts once.
func toldApart(items []any) []gpuFacts {
	taken := map[rules.Index]bool{}
	for _, item := range items {
		if found, ok := indexOf(mapping(item)["index"]); ok {
			taken[found] = true
		}
	}
	var gpus []gpuFacts
	seen := map[[2]string]bool{}
	identities, indexes := map[string]bool{}, map[rules.Index]bool{}
	for position, item := range items {
		facts, ok := item.(object)
		if !ok {
			continue
		}
		found, ok := indexOf(facts["index"])
		if !ok {
			for found = rules.Board(int64(position)); taken[found]; position++ {
				found = rules.Board(int64(position) + 1)
			}
		}
		taken[found] = true
		uuid, _ := facts["uuid"].(string)
		if !isIdentity(uuid) {
			delete(facts, "uuid")
			uuid = ""
		}
		identity := uuid
		if identity == "" {
			identity = "index " + found.String()
		}
		if key := [2]string{identity, found.String()}; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		if identities[identity] {
			delete(facts, "uuid")
			identity = "index " + found.String()
		}
		if indexes[found] {
			name := "twin-" + found.String()
			for n := 2; indexes[rules.Instance(name)]; n++ {
				name = fmt.Sprintf("twin-%s-%d", found, n)
			}
			found = rules.Instance(name)
		}
		identities[identity], indexes[found] = true, true
		gpus = append(gpus, gpuFacts{found, identity, facts})
	}
	return gpus
}

func indexOf(value any) (rules.Index, bool) {
	switch found := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(string(found), 10, 64); err == nil {
			return rules.Board(whole), true
		}
	case string:
		if len(found) > 100 || found == "" {
			return rules.Index{}, false
		}
		if whole, err := strconv.ParseUint(found, 10, 64); err == nil && len(found) < 10 {
			return rules.Board(int64(whole)), true
		}
		return rules.Instance(found), true
	}
	return rules.Index{}, false
}

func indexNumber(index rules.Index) rules.Number {
	parent, _, _ := strings.Cut(index.String(), ":")
	whole, err := strconv.ParseInt(parent, 10, 64)
	if err != nil || (index != rules.Board(whole) && (whole < 0 || len(parent) >= 10)) {
		return rules.Number{}
	}
	return rules.Int(whole)
}

// isIdentity reports whether a UUID identifies a GPU.
func isIdentity(uuid string) bool {
	word := strings.ToLower(strings.TrimSpace(strings.Trim(strings.TrimSpace(uuid), "[]()")))
	switch word {
	case "", "n/a", "na", "none", "null", "unknown", "not supported", "not available", "unknown error", "gpu is lost":
		return false
	}
	return !strings.HasPrefix(word, "index ")
}

// tidy leaves out what cannot be, and derives what follows from memory in use and in total.
func tidy(gpu object) {
	for name, limits := range ranges {
		if value := number(gpu[name]); value.Known() {
			if f := value.Float64(); f < limits[0] || f > limits[1] {
				delete(gpu, name)
			}
		}
	}
	switch vendor := gpu["vendor"].(type) {
	case string:
		if vendor != "nvidia" && vendor != "amd" && vendor != "intel" {
			gpu["vendor"] = "other"
		}
	}
	switch gpu["status"] {
	case "ok", "degraded", "lost", "unavailable":
	default:
		delete(gpu, "status")
	}
	if _, ok := gpu["healthy"].(bool); !ok {
		gpu["healthy"] = true
	}
	used, total := number(gpu["memory_used"]), number(gpu["memory_total"])
	if !used.Known() || !total.Known() {
		return
	}
	if total.Float64() != 0 {
		delete(gpu, "memory")
		if share := rules.Percentage(used, total); share.Known() {
			gpu["memory"] = json.Number(share.String())
		}
	}
	if free, ok := gpu["memory_free"]; !ok || !number(free).Known() {
		delete(gpu, "memory_free")
		if left := rules.Difference(total, used); left.Known() && left.Float64() >= 0 {
			gpu["memory_free"] = json.Number(left.String())
		}
	}
}

func signalOf(signals object, name string, index rules.Index) rules.Truth {
	switch value := signals[name].(type) {
	case bool:
		return rules.Bool(value)
	case object:
		if index != (rules.Index{}) {
			on, _ := value[index.String()].(bool)
			return rules.Bool(on)
		}
		for _, on := range value {
			if on == true {
				return rules.True
			}
		}
	}
	return rules.False
}

// windowOf returns what is given for a window, else what it holds of this snapshot alone.
func windowOf(windows object, name string, index rules.Index, alone rules.Number) rules.Number {
	value, ok := windows[name]
	if !ok {
		return alone
	}
	if of, ok := value.(object); ok {
		return number(of[index.String()])
	}
	return number(value)
}

func ifKnown(value, then rules.Number) rules.Number {
	if !value.Known() {
		return value
	}
	return then
}
