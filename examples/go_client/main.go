// Command client downloads objects as the rules of this node let it, and shows a timeline.
//
//	client STATE-FILE SECONDS URL...
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"time"

	"rules"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: client STATE-FILE SECONDS URL...")
		os.Exit(2)
	}
	seconds, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	coordinator := NewCoordinator(os.Args[1])
	coordinator.RegisterWorkload("job", &rules.Workload{Type: rules.String("training"), GPUs: []rules.Index{rules.Board(0)}})
	began := time.Now()
	say := func(format string, values ...any) {
		fmt.Printf("%5.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, values...))
	}
	say("%s", coordinator.Status())
	waiting, said := os.Args[3:], map[string]string{}
	end := began.Add(time.Duration(seconds * float64(time.Second)))
	for len(waiting) > 0 && time.Now().Before(end) {
		var left []string
		for _, url := range waiting {
			name := path.Base(url)
			transfer := rules.Transfer{ID: rules.String(url), Path: rules.String(url), Operation: rules.String("read")}
			decision, why := coordinator.ScheduleTransfer(transfer, "job")
			if decision.Delay > 0 || decision.Paused {
				if said[url] != why {
					say("%-22s waits: %s", name, why)
				}
				said[url] = why
				left = append(left, url)
				continue
			}
			size, err := download(url)
			if err != nil {
				say("%-22s failed: %v", name, err)
				os.Exit(1)
			}
			coordinator.CompleteTransfer(url)
			reduced, factor := coordinator.ShouldReducePrefetch()
			say("%-22s %d bytes (boost %g, stale %v, less prefetch %v: %g)", name, size, decision.PriorityBoost, decision.Stale(), reduced, factor)
		}
		waiting = left
		time.Sleep(20 * time.Millisecond)
	}
	say("%d left; %s", len(waiting), coordinator.Status())
}

func download(url string) (int64, error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s", response.Status)
	}
	return io.Copy(io.Discard, response.Body)
}
