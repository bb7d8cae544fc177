package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	nianbao "nianbao/clients/go"
	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// warmUp is the part of the time that goes by before anything is measured: the rules are compiled
// when they are first run.
const warmUp = 0.2

type timing struct {
	File       string  `json:"file"`
	ValidateUs float64 `json:"validate_us"`
	FindingsUs float64 `json:"findings_us"`
	Runs       int     `json:"runs"`
}

// measureAll measures each file for so many seconds.
func measureAll(text string, files []string, out io.Writer) error {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds <= 0 {
		return fmt.Errorf("not a number of seconds: %s", text)
	}
	encoder := json.NewEncoder(out)
	for _, file := range files {
		measured, err := measure(file, seconds)
		if err != nil {
			return err
		}
		if err := encoder.Encode(measured); err != nil {
			return err
		}
	}
	return nil
}

func measure(file string, seconds float64) (*timing, error) {
	encoded, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	report := &nianbaov1.Report{}
	if err := proto.Unmarshal(encoded, report); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := nianbao.ValidateOffline(report); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	// What they find was found above.
	alone, runs := median(seconds/2, func() { _ = protovalidate.Validate(report) })
	whole, _ := median(seconds/2, func() { _, _ = nianbao.ValidateOffline(report) })
	return &timing{File: file, ValidateUs: alone, FindingsUs: whole, Runs: runs}, nil
}

// median is the median time of a run in microseconds, and how many runs were measured.
func median(seconds float64, run func()) (float64, int) {
	total := time.Duration(seconds * float64(time.Second))
	for begin := time.Now(); time.Since(begin) < time.Duration(warmUp*float64(total)); {
		run()
	}
	var times []time.Duration
	for begin := time.Now(); len(times) == 0 || time.Since(begin) < total; {
		start := time.Now()
		run()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return float64(times[len(times)/2].Nanoseconds()) / 1000, len(times)
}
