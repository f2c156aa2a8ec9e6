// Asks the agent whether a file may be read now; without an agent it may. Usage: go run decide.go SOCKET
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

type decision struct {
	Delay          float64 `json:"delay"`
	Paused         bool    `json:"paused"`
	PrefetchFactor float64 `json:"prefetch_factor"`
	Matched        []struct {
		Rule string `json:"rule"`
	} `json:"matched"`
}

func main() {
	dial := func(string, string) (net.Conn, error) { return net.DialTimeout("unix", os.Args[1], 50*time.Millisecond) }
	client := http.Client{Transport: &http.Transport{Dial: dial}, Timeout: time.Second}
	body := []byte(`{"transfer": {"path": "/data/shard-0001.tar", "size": 4294967296}}`)
	found := decision{PrefetchFactor: 1}
	answer, err := client.Post("http://agent/v1/decide", "application/json", bytes.NewReader(body))
	if err == nil {
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("the agent answered %s", answer.Status)
		} else {
			err = json.NewDecoder(answer.Body).Decode(&found)
		}
	}
	if err != nil { // an agent that is away must never stop a transfer
		fmt.Println("go ahead:", err)
		return
	}
	fmt.Printf("delay %g s, paused %t, %g of the prefetch\n", found.Delay, found.Paused, found.PrefetchFactor)
	for _, match := range found.Matched {
		fmt.Println("because of", match.Rule)
	}
}
