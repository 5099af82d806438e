package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// told is what a reader says of a text: every record with the lines its fields
// begin on, and how it ended.
func told(read func() ([]string, error), line func(field int) int64) string {
	var b strings.Builder
	for {
		record, err := read()
		if err != nil {
			fmt.Fprintf(&b, "%v", err)
			return b.String()
		}
		for i, field := range record {
			fmt.Fprintf(&b, "%d:%q ", line(i), field)
		}
		b.WriteByte('\n')
	}
}

// TestRecordsAreThoseOfEncodingCSV: cutting lines at their commas changes nothing,
// neither in fields and lines nor in errors.
func TestRecordsAreThoseOfEncodingCSV(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "1.5", ",", ",", ",", "\n", "\n", "\r\n", "\"", "\"\"", "\"x\"", "\"x,\ny\"", "é", " ", "\r", ",\"q\"\n", strings.Repeat("long", csvBuffer/3)}
	for range 4000 {
		text := []string{"h\n", "h,i\n", "\"h\",\"\ni\"\n", "\n\nh,i,j\r\n"}[random.IntN(4)]
		for range random.IntN(14) {
			n := len(pieces)
			if random.IntN(200) > 0 {
				n-- // the long one is rare
			}
			text += pieces[random.IntN(n)]
		}
		compareRecords(t, text)
	}
}

// TestLongFilesAreReadAsEncodingCSVDoes has files of more than one buffer.
func TestLongFilesAreReadAsEncodingCSVDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2 {
		var b strings.Builder
		b.WriteString("x,y,z\n")
		for range 5000 {
			quoted := []string{"plain", "\"with \"\"quotes\"\"\"", "\"two\nlines\""}[max(0, random.IntN(20)-17)]
			fmt.Fprintf(&b, "%v,%s,%d\n", random.NormFloat64(), quoted, random.IntN(1e6))
		}
		compareRecords(t, b.String())
	}
}

func compareRecords(t *testing.T, text string) {
	t.Helper()
	plain := csv.NewReader(strings.NewReader(text))
	fields := 0
	want := told(func() ([]string, error) {
		record, err := plain.Read()
		if fields == 0 {
			fields = len(record)
		}
		if errors.Is(err, csv.ErrFieldCount) {
			line, _ := plain.FieldPos(0)
			err = fmt.Errorf("line %d has %d fields, the header has %d", line, len(record), fields)
		}
		return record, err
	}, func(field int) int64 { line, _ := plain.FieldPos(field); return int64(line) })
	file, err := fstest.MapFS{"f": {Data: []byte(text)}}.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSource("f", file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRecordReader(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(r.read, r.line); got != want {
		t.Fatalf("%.300q is read as\n%.600s\nwant\n%.600s", text, got, want)
	}
}

// TestFiniteNumbersAreSeenWithoutTheirValue holds the quick answer against the
// conversion.
func TestFiniteNumbersAreSeenWithoutTheirValue(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	fields := []string{
		"", ".", "-", "+", "+.", "-.5", "5.", "+5", "1e5", "1E+5", "1e", "1e400", "-1e-400", "--1", "1-", "1.2.3", "0x1p4", "1_000",
		"NaN", "inf", "Infinity", " 1", "1 ", "٣", strings.Repeat("9", 299), strings.Repeat("9", 309), strings.Repeat("0", 400) + "1",
		"-" + strings.Repeat("9", 308) + ".5",
	}
	for range 20_000 {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteByte("0123456789.+-eExn_ "[random.IntN(19)])
		}
		fields = append(fields, b.String())
	}
	for _, field := range fields {
		// The slow way: what strconv reads, without what it alone calls a number.
		x, err := strconv.ParseFloat(field, 64)
		want := err == nil && x-x == 0 && !strings.ContainsAny(field, "xXpP_iInN")
		got, ok := finiteNumber(field)
		if ok != want || ok && got != x || isFiniteNumber(field) != want {
			t.Errorf("%.40q: %v and %v, want %v", field, ok, isFiniteNumber(field), want)
		}
	}
}
