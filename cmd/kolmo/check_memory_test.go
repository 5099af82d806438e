package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// TestCheckOfLongFilesInBoundedMemory: up to eight million numbers are compared
// exactly and more are counted, in less than a gigabyte either way.
func TestCheckOfLongFilesInBoundedMemory(t *testing.T) {
	binary := build(t)
	folder := t.TempDir()
	const columns = 16
	for _, c := range []struct {
		name   string
		rows   int
		method string
	}{{"all that is kept", exactValues / columns, "exact"}, {"more than is kept", exactValues/columns + 20_000, "binned"}} {
		reference, current := filepath.Join(folder, "reference.csv"), filepath.Join(folder, "current.csv")
		first := writeMillions(t, reference, 1, c.rows, columns, 0)
		second := writeMillions(t, current, 2, c.rows, columns, 0.3)
		command := exec.Command(binary, "check", "--reference", reference, "--current", current, "--output", "json")
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = command.Wait() // how it ended is asked for below
			close(ended)
		}()
		peak := peakMemory(command.Process.Pid, ended)
		if code := command.ProcessState.ExitCode(); code != exitDrifted {
			t.Fatalf("%s: exit code %d: %s", c.name, code, stderr.String())
		}
		var result struct {
			Features map[string]struct {
				N              int     `json:"n"`
				Method         string  `json:"method"`
				Statistic      float64 `json:"statistic"`
				StatisticError float64 `json:"statistic_error"`
			} `json:"features"`
		}
		if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
			t.Fatal(err)
		}
		f, d := result.Features["c0"], distance(first, second)
		if len(result.Features) != columns || f.N != c.rows || f.Method != c.method {
			t.Errorf("%s: %d features, and the first is %+v", c.name, len(result.Features), f)
		}
		if d < f.Statistic-1e-12 || d > f.Statistic+f.StatisticError+1e-12 || f.StatisticError > 0.002 || (f.StatisticError == 0) != (c.method == "exact") {
			t.Errorf("%s: D is %v, check says %v and at most %v more", c.name, d, f.Statistic, f.StatisticError)
		}
		t.Logf("%s: twice %d numbers took %v and at most %d MB", c.name, c.rows*columns, command.ProcessState.UserTime()+command.ProcessState.SystemTime(), peak/1000)
		if peak > 1_000_000 {
			t.Errorf("%s: it took %d MB, want less than 1000", c.name, peak/1000)
		}
	}
}

// writeMillions writes a file of so many columns of numbers around a mean, and
// returns the first column.
func writeMillions(t *testing.T, path string, seed uint64, rows, columns int, mean float64) []float64 {
	t.Helper()
	first := make([]float64, rows)
	random := rand.New(rand.NewPCG(seed, 0))
	writeFile(t, path, func(w *bufio.Writer) error {
		var line []byte
		for c := range columns {
			line = strconv.AppendInt(append(line, ",c"...), int64(c), 10)
		}
		_, err := w.Write(append(line[1:], '\n'))
		for row := range rows {
			line = line[:0]
			for c := range columns {
				// Few digits: what is tried here is how many numbers there are.
				value := math.Round((mean+random.NormFloat64())*1e5) / 1e5
				if c == 0 {
					first[row] = value
				} else {
					line = append(line, ',')
				}
				line = strconv.AppendFloat(line, value, 'f', -1, 64)
			}
			_, err = w.Write(append(line, '\n')) // the writer remembers its first error
		}
		return err
	})
	return first
}

// distance is D by the slow, obvious way: the distribution functions, one step
// after the other.
func distance(a, b []float64) float64 {
	slices.Sort(a)
	slices.Sort(b)
	d, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return d
}
