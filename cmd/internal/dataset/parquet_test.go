package dataset_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// The file holds a column of every type; testdata/write_pyarrow.py wrote it.
func TestParquetAsPyarrowWritesIt(t *testing.T) {
	check(t, story(t, "testdata/pyarrow.parquet", event.Limits{}), `
int8 numeric, uint8 numeric, uint32 numeric, uint64 numeric, int64 numeric, float32 numeric, float64 numeric, decimal numeric, wide numeric, bool categorical, text categorical, large categorical, category categorical, nothing numeric, user.age numeric, user.plan categorical
1 model=m version=3 request=a ts=2026-01-31T23:30:00.123Z int8:-128 uint8:0 uint32:0 uint64:0 int64:-9.223372036854776e+18 float32:0.5 float64:1e-308 decimal:0.1 wide:0.1 bool:true text:"ä" large:"x" category:"red" nothing:- user.age:30 user.plan:"free" prediction=0.25 status=200 latency=1.5 outcome=true
2 model=m version=3 request=b int8:127 uint8:255 uint32:4.294967295e+09 uint64:1.8446744073709552e+19 int64:9.007199254740992e+15 float32:!Infinity float64:!NaN decimal:-1.23456789e+06 wide:-1 bool:false text:"" large:"y" category:"blue" nothing:- user.age:- user.plan:"paid" prediction=!NaN status=500 outcome=false
3 model=m version=4 ts=1969-12-31T23:59:59.999Z int8:- uint8:- uint32:- uint64:- int64:- float32:!-Infinity float64:- decimal:- wide:- bool:- text:- large:- category:- nothing:- user.age:- user.plan:- latency=0
`)
}

func TestParquetTimesOfOldSparks(t *testing.T) {
	check(t, story(t, "testdata/int96.parquet", event.Limits{}), "x numeric\n1 ts=2026-01-31T23:59:59.005Z x:1\n")
}

func TestParquetNamesEveryColumnItCannotRead(t *testing.T) {
	got := story(t, "testdata/unreadable.parquet", event.Limits{})
	for _, column := range []string{"day", "seen", "raw", "half", "list", "map", "deep.er"} {
		if !strings.Contains(got, `column "`+column+`": `) {
			t.Errorf("nothing is said of %s in\n%s", column, got)
		}
	}
	if strings.Contains(got, "fine") {
		t.Errorf("the column that can be read is named in\n%s", got)
	}
}

type parquetRow struct {
	TS      int64     `parquet:"ts,timestamp(microsecond)"`
	ID      [16]byte  `parquet:"request_id,uuid"`
	Kind    string    `parquet:"kind,enum"`
	Amount  *float64  `parquet:"amount,optional"`
	Country string    `parquet:"country,dict"`
	Price   int64     `parquet:"price,decimal(2:18)"`
	Group   groupCols `parquet:"user"`
}

type groupCols struct {
	Age *int32 `parquet:"age,optional"`
}

// writeParquet writes n rows in row groups of so many.
func writeParquet(t testing.TB, n, group int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&b, parquet.MaxRowsPerRowGroup(int64(group)), parquet.PageBufferSize(4096), parquet.Compression(&parquet.Snappy))
	for i := range n {
		row := parquetRow{TS: -1500 + int64(i)*1_000_000, Kind: "k", Country: []string{"DE", "FR", "PL"}[i%3], Price: int64(i)}
		row.ID[15] = byte(i)
		if i%4 != 0 {
			amount := float64(i) / 2
			row.Amount = &amount
			age := int32(i)
			row.Group.Age = &age
		}
		if _, err := w.Write([]parquetRow{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquetAcrossPagesAndRowGroups(t *testing.T) {
	const rows = 10_000
	r, err := dataset.Open(write(t, "x.parquet", writeParquet(t, rows, 3000)), event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if r.Rows() != rows {
		t.Fatalf("%d rows", r.Rows())
	}
	var row dataset.Row
	for i := range rows {
		if err := r.Next(&row); err != nil {
			t.Fatal(err)
		}
		amount, age := event.Value{}, event.Value{}
		if i%4 != 0 {
			amount = event.Value{Kind: event.Number, Number: float64(i) / 2}
			age = event.Value{Kind: event.Number, Number: float64(i)}
		}
		wantTime := time.UnixMicro(-1500 + int64(i)*1_000_000).UnixMilli()
		switch f := row.Features; {
		case row.Time != wantTime,
			len(f) != 5,
			value(f[1].Value) != value(amount),
			string(f[2].Value.Text) != []string{"DE", "FR", "PL"}[i%3],
			f[3].Value.Number != float64(i)/100,
			value(f[4].Value) != value(age):
			t.Fatalf("row %d: %s, want amount %s, age %s, ts %d", i, show(&row), value(amount), value(age), wantTime)
		}
	}
	if err := r.Next(&row); err != io.EOF {
		t.Errorf("behind the last row: %v", err)
	}
}

func TestADecompressedParquetFileIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, content := range map[string][]byte{"good": writeParquet(t, 10, 10), "bad": []byte("PAR1 and more")} {
		_ = story(t, write(t, name+".parquet.gz", zipped(t, content)), event.Limits{})
		left, err := os.ReadDir(os.Getenv("TMPDIR"))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
}

// footer makes a Parquet file that consists of a footer alone.
func footer(thrift string) []byte {
	n := len(thrift)
	return []byte("PAR1" + thrift + string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) + "PAR1")
}

func TestHostileFooters(t *testing.T) {
	// Version 1, and a schema of n elements: a root and groups within groups.
	nested := func(n int) string {
		size := []byte{0xfc, byte(n)&0x7f | 0x80, byte(n>>7)&0x7f | 0x80, byte(n >> 14)}
		return "\x15\x02\x19" + string(size) + strings.Repeat("\x48\x01a\x15\x02\x00", n) + "\x16\x00\x19\x0c\x00"
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"longer than the file", []byte("PAR1xxxx\xff\xff\xff\xffPAR1"), "has a footer of 4294967295 bytes, in a file of 16"},
		{"empty", footer(""), "has a damaged footer: it is cut short"},
		{"a list of two thousand million elements", footer("\x19\xfc\xff\xff\xff\xff\x07"), "has a damaged footer: it claims a list of 2147483647 elements"},
		{"structs within structs", footer(strings.Repeat("\x1c", 1<<20)), "has a damaged footer: it is nested too deep"},
		{"lists within lists", footer("\x19" + strings.Repeat("\x19", 1<<20)), "has a damaged footer: it is nested too deep"},
		{"a schema of two hundred thousand levels", footer(nested(200_000)), "has columns nested deeper than 64 levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := story(t, write(t, "x.parquet", c.content), event.Limits{})
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// FuzzParquet changes one stretch of a good file, wherever it is: footers and
// page headers are a small part of it, so mutation alone rarely meets them.
func FuzzParquet(f *testing.F) {
	var files [][]byte
	for _, name := range []string{"pyarrow", "int96", "unreadable"} {
		file, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, file)
	}
	files = append(files, writeParquet(f, 50, 20))
	for i := range files {
		f.Add(uint8(i), uint16(0), []byte{})
		f.Add(uint8(i), uint16(9), []byte{0xff, 0xff, 0x7f})
		f.Add(uint8(i), uint16(40), []byte{0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f})
	}
	f.Fuzz(func(t *testing.T, which uint8, fromEnd uint16, change []byte) {
		file := bytes.Clone(files[int(which)%len(files)])
		at := len(file) - int(fromEnd)%len(file)
		copy(file[at:], change)
		story(t, write(t, "x.parquet", file), event.Limits{}) // must end, with rows or an error
	})
}
