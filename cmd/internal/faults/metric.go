//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// metric is the sum of a metric's series over all instances that answer.
func (f *fleet) metric(ctx context.Context, name string) (float64, error) {
	var sum float64
	for _, s := range f.all() {
		if !s.runs() {
			continue
		}
		address, err := s.ready(ctx)
		if err != nil {
			return 0, err
		}
		value, err := scrape(ctx, address, name)
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum, nil
}

// runs reports whether an instance is wanted here.
func (s *seat) runs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted
}

func scrape(ctx context.Context, address, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("asking for metrics: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("asking for metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	var sum float64
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		rest, found := strings.CutPrefix(lines.Text(), name)
		if !found || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("reading the metric %s from %q: %w", name, lines.Text(), err)
		}
		sum += value
	}
	return sum, lines.Err()
}
