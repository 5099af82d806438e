package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// wideRow is a row of the files that are read for speed: numbers with all their
// digits, a number with few values, and a category.
type wideRow struct {
	A       float64 `json:"a" parquet:"a"`
	B       float64 `json:"b" parquet:"b"`
	C       float64 `json:"c" parquet:"c"`
	D       float64 `json:"d" parquet:"d"`
	E       float64 `json:"e" parquet:"e"`
	F       float64 `json:"f" parquet:"f"`
	G       float64 `json:"g" parquet:"g"`
	Amount  float64 `json:"amount" parquet:"amount"`
	Hour    int64   `json:"hour" parquet:"hour"`
	Country string  `json:"country" parquet:"country"`
}

// BenchmarkCheck compares files of ten columns. 100,000 rows are kept, a million
// are counted; both files together are what a row is of rows/s.
func BenchmarkCheck(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		folder := b.TempDir()
		for side, name := range []string{"reference", "current"} {
			random := rand.New(rand.NewPCG(uint64(side), 1))
			all := make([]wideRow, rows)
			for i := range all {
				n := random.NormFloat64
				all[i] = wideRow{n(), n(), n(), n(), n(), n(), n(), 100 * random.ExpFloat64(), random.Int64N(24), string('A' + byte(random.IntN(20)))}
			}
			writeWide(b, filepath.Join(folder, name), all)
		}
		for _, format := range []string{"csv", "ndjson", "parquet"} {
			b.Run(format+"/"+strconv.Itoa(rows), func(b *testing.B) {
				for b.Loop() {
					var output bytes.Buffer
					args := []string{"check", "--reference", filepath.Join(folder, "reference."+format), "--current", filepath.Join(folder, "current."+format)}
					if code := run(b.Context(), args, &output, &output); code != exitFine {
						b.Fatalf("exit code %d: %s", code, output.String())
					}
				}
				b.ReportMetric(float64(2*rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// writeWide writes the rows in every format.
func writeWide(b *testing.B, path string, rows []wideRow) {
	b.Helper()
	if err := parquet.WriteFile(path+".parquet", rows); err != nil {
		b.Fatal(err)
	}
	for format, write := range map[string]func(w *bufio.Writer){
		".ndjson": func(w *bufio.Writer) {
			encoder := json.NewEncoder(w)
			for i := range rows {
				_ = encoder.Encode(&rows[i]) // the writer remembers its first error
			}
		},
		".csv": func(w *bufio.Writer) {
			_, _ = w.WriteString("a,b,c,d,e,f,g,amount,hour,country\n")
			var line []byte
			for _, r := range rows {
				line = line[:0]
				for _, x := range []float64{r.A, r.B, r.C, r.D, r.E, r.F, r.G, r.Amount} {
					line = append(strconv.AppendFloat(line, x, 'g', -1, 64), ',')
				}
				line = append(strconv.AppendInt(line, r.Hour, 10), ',')
				_, _ = w.Write(append(append(line, r.Country...), '\n'))
			}
		},
	} {
		file, err := os.Create(path + format)
		if err != nil {
			b.Fatal(err)
		}
		w := bufio.NewWriter(file)
		write(w)
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
