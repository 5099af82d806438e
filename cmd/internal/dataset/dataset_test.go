package dataset_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// write puts content into a file of its own.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// story reads a file to its end and tells what was in it: the columns, a line for
// each row, and the error, without the folder.
func story(t testing.TB, path string, limits event.Limits) string {
	t.Helper()
	r, err := dataset.Open(path, limits)
	if err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "") + "\n"
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	return strings.ReplaceAll(tell(r), filepath.Dir(path)+string(filepath.Separator), "")
}

func tell(r *dataset.Reader) string {
	var b strings.Builder
	for i, c := range r.Columns() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name)
		if c.Numeric {
			b.WriteString(" numeric")
		} else {
			b.WriteString(" categorical")
		}
		if c.Because != "" {
			fmt.Fprintf(&b, " (%s)", c.Because)
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	var row dataset.Row
	for {
		err := r.Next(&row)
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			fmt.Fprintf(&b, "error: %v\n", err)
			return b.String()
		}
		b.WriteString(show(&row))
		b.WriteByte('\n')
	}
}

func show(row *dataset.Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", row.Number)
	for _, id := range []struct {
		name string
		text []byte
	}{{"model", row.Model}, {"version", row.Version}, {"request", row.RequestID}} {
		if len(id.text) > 0 {
			fmt.Fprintf(&b, " %s=%s", id.name, id.text)
		}
	}
	if row.HasTime {
		fmt.Fprintf(&b, " ts=%s", time.UnixMilli(row.Time).UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	for _, f := range row.Features {
		fmt.Fprintf(&b, " %s:%s", f.Name, value(f.Value))
	}
	if row.HasPrediction {
		fmt.Fprintf(&b, " prediction=%s", value(row.Prediction))
	}
	if string(row.Status) != "success" {
		fmt.Fprintf(&b, " status=%s", row.Status)
	}
	if row.HasLatency {
		fmt.Fprintf(&b, " latency=%v", row.LatencyMillis)
	}
	if row.HasOutcome {
		fmt.Fprintf(&b, " outcome=%s", value(row.Outcome))
	}
	return b.String()
}

func value(v event.Value) string {
	switch v.Kind {
	case event.Number:
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	case event.Text:
		return strconv.Quote(string(v.Text))
	case event.NonFinite:
		return "!" + string(v.Text)
	case event.Bool:
		return string(v.Text)
	default:
		return "-"
	}
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFormatIsFoundByContentAndName(t *testing.T) {
	parquet, err := os.ReadFile("testdata/int96.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    dataset.Format
		rows    int64
	}{
		{"a.csv", []byte("x\n1\n"), dataset.CSV, 1},
		{"a.csv.gz", zipped(t, []byte("x\n1\n")), dataset.CSV, 1},
		{"gzipped without saying so.csv", zipped(t, []byte("x\n1\n")), dataset.CSV, 1},
		{"not gzipped.csv.gz", []byte("x\n1\n"), dataset.CSV, 1},
		{"brace.csv", []byte("{x\n1\n"), dataset.CSV, 1},
		{"noname", []byte("x\n1\n"), dataset.CSV, 1},
		{"noname", []byte(" \n{\"x\":1}\n"), dataset.NDJSON, -1},
		{"a.json", []byte("{\"x\":1}\n"), dataset.NDJSON, -1},
		{"a.ndjson", []byte(""), dataset.NDJSON, -1},
		{"a.jsonl.gz", zipped(t, []byte("{\"x\":1}\n")), dataset.NDJSON, -1},
		{"a.parquet", parquet, dataset.Parquet, 1},
		{"a.parquet.gz", zipped(t, parquet), dataset.Parquet, 1},
		{"noname", parquet, dataset.Parquet, 1},
	} {
		r, err := dataset.Open(write(t, c.name, c.content), event.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.Format() != c.want || r.Rows() != c.rows {
			t.Errorf("%s: %s of %d rows, want %s of %d", c.name, r.Format(), r.Rows(), c.want, c.rows)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "error: empty: is empty\n"},
		{"empty.csv", "", "error: empty.csv: is empty: a CSV file begins with a header row\n"},
		{"array.json", "[{\"x\":1}]", "error: array.json: is one JSON array; write one object a line instead, for example with jq -c '.[]'\n"},
		{"a.parquet", "x,y\n", "error: a.parquet: is called Parquet but does not begin with PAR1\n"},
		{"cut.parquet", "PAR1", "error: cut.parquet: is too short for a Parquet file\n"},
		{"cut.parquet", "PAR1 and more", "error: cut.parquet: does not end as a Parquet file does: was it cut short?\n"},
		{"secret.parquet", "PARE    \x00\x00\x00\x00PARE", "error: secret.parquet: is an encrypted Parquet file; kolmo reads plain ones\n"},
		{"cut.csv.gz", string(zipped(t, []byte(strings.Repeat("x\n", 9999))))[:40], "error: cut.csv.gz: unexpected EOF\n"},
	} {
		check(t, story(t, write(t, c.name, []byte(c.content)), event.Limits{}), c.want)
	}
	if _, err := dataset.Open("-", event.Limits{}); err == nil || !strings.Contains(err.Error(), "standard input") {
		t.Errorf("standard input: %v", err)
	}
	if _, err := dataset.Open(t.TempDir(), event.Limits{}); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := dataset.Open("testdata/none.csv", event.Limits{}); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}

func TestCSV(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"every column with a meaning",
			"model,version,ts,request_id,status,latency_ms,prediction,outcome,label,amount,country\n" +
				"m,3,2026-01-31T23:59:59.5Z,r,error,4.5,0.25,1,x,10,DE\n" +
				"m,3,1769903999500,,,,,,,,\n", `
amount numeric, country categorical
1 model=m version=3 request=r ts=2026-01-31T23:59:59.500Z amount:10 country:"DE" prediction=0.25 status=error latency=4.5 outcome=1
2 model=m version=3 ts=2026-01-31T23:59:59.500Z amount:- country:-
`},
		{"what is a number",
			"a,b,c,d,e,f,g,h\n1,+1,.5,5.,1e3,-0,1E-400,\n", `
a numeric, b numeric, c numeric, d numeric, e numeric, f numeric, g numeric, h numeric
1 a:1 b:1 c:0.5 d:5 e:1000 f:-0 g:0 h:-
`},
		{"what is none",
			"a,b,c,d,e,f,g\nNaN,inf,0x10,1e400,1_000, 1,true\n", `
a categorical, b categorical, c categorical, d categorical, e categorical, f categorical, g categorical
1 a:"NaN" b:"inf" c:"0x10" d:"1e400" e:"1_000" f:" 1" g:"true"
`},
		{"one text makes a column categorical, and numbers keep their spelling",
			"a,b\n1.0,x\nNaN,1\n,2\n01,3\n", `
a categorical (line 3 holds "NaN"), b categorical (line 2 holds "x")
1 a:"1.0" b:"x"
2 a:"NaN" b:"1"
3 a:- b:"2"
4 a:"01" b:"3"
`},
		{"quotes, and a line end within them",
			"a,\"b, c\"\r\n\"x\ny\",\"1\"\r\n\"q\"\"q\",2\r\n", `
a categorical, b, c numeric
1 a:"x\ny" b, c:1
2 a:"q\"q" b, c:2
`},
		{"a byte order mark", "\ufeffa\n1\n", "a numeric\n1 a:1\n"},
		{"a prediction that is a class", "prediction,a\nx,1\n", "a numeric\n1 a:1 prediction=\"x\"\n"},
		{"no rows", "a,b\n", "a numeric, b numeric\n"},
		{"no end of the last line", "a\n1\n2", "a numeric\n1 a:1\n2 a:2\n"},
		{"too few fields", "a,b\n1,2\n3\n", "error: x.csv: line 3 has 1 fields, the header has 2\n"},
		{"a quote within a field", "a,b\n1,x\"y\n", "error: x.csv: parse error on line 2, column 4: bare \" in non-quoted-field\n"},
		{"a time that is none", "ts,a\nyesterday,1\n",
			"a numeric\nerror: x.csv: line 2: column \"ts\": \"yesterday\" is neither an RFC 3339 time with an offset, such as 2026-01-31T23:59:59Z, nor whole milliseconds since 1970\n"},
		{"a latency below zero", "a,latency_ms\n1,-1\n",
			"a numeric\nerror: x.csv: line 2: column \"latency_ms\": \"-1\" is not a number of at least 0\n"},
		{"Latin-1", "a,city\n1,K\xf6ln\n",
			"a numeric, city categorical\nerror: x.csv: line 2: column \"city\": \"K\\xf6ln\" is not UTF-8; convert the file, for example with iconv -t UTF-8\n"},
		{"a column without a name", ",a\n0,1\n",
			"error: x.csv: column 1 of the header has no name; if it is a row number, leave it out (index=False in pandas)\n"},
		{"two columns of a name", "a,b,a\n", "error: x.csv: columns 1 and 3 of the header are both called \"a\"\n"},
		{"semicolons", "a;b\n1;2\n",
			"error: x.csv: the header \"a;b\" has no comma: fields must be separated by commas, not by semicolons or tabs\n"},
		{"too long a name", strings.Repeat("n", 17) + "\n", "error: x.csv: the name of column 1 has 17 bytes, at most 16 are kept\n"},
		{"too many features", "a,b,c,d,e,f,g,h,i\n", "error: x.csv: 9 feature columns, at most 8 are read\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits := event.Limits{MaxNameBytes: 16, MaxFeatures: 8}
			check(t, story(t, write(t, "x.csv", []byte(c.content)), limits), c.want)
		})
	}
}

func TestAQuoteThatIsNeverClosedDoesNotFillTheMemory(t *testing.T) {
	content := append([]byte("a\n\""), bytes.Repeat([]byte("x\n"), 9<<20)...)
	check(t, story(t, write(t, "x.csv.gz", zipped(t, content)), event.Limits{}),
		"error: x.csv.gz: a row is longer than 16 MiB: is a quote not closed?\n")
}

func TestAsCategories(t *testing.T) {
	r, err := dataset.Open(write(t, "x.csv", []byte("zip,a\n01234,1\n")), event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := r.AsCategories("zip"); err != nil {
		t.Fatal(err)
	}
	check(t, tell(r), "zip categorical, a numeric\n1 zip:\"01234\" a:1\n")
	if err := r.AsCategories("b"); err == nil {
		t.Error("a column that is not there can be made categorical")
	}
}

func TestAsNumbers(t *testing.T) {
	r, err := dataset.Open(write(t, "x.csv", []byte("a\n1\n\"n/a\"\n\"\"\nNaN\n2.5\n")), event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := r.AsNumbers("a"); err != nil {
		t.Fatal(err)
	}
	check(t, tell(r), "a numeric\n1 a:1\n2 a:\"n/a\"\n3 a:-\n4 a:!\n5 a:2.5\n")
	if err := r.AsNumbers("b"); err == nil {
		t.Error("a column that is not there can be made numeric")
	}
}

func TestNDJSON(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"native events",
			`{"model":"m","ts":0,"features":{"b":1,"a":"x","u":{"age":2}},"prediction":0.5,"mood":1,"label":1}` + "\n" +
				`{"model":"m","features":{"a":null},"status":503}` + "\r\n\n" +
				`{"model":"m","outcome":true}`, `
1 model=m ts=1970-01-01T00:00:00.000Z b:1 a:"x" u.age:2 prediction=0.5
2 model=m a:- status=503
3 model=m outcome=true
`},
		{"a native file is one though its first events have no features",
			`{"model":"m","mood":1}` + "\n" + `{"model":"m","features":{"a":1}}`, "1 model=m\n2 model=m a:1\n"},
		{"objects of columns",
			`{"a":1,"u":{"age":2},"prediction":3,"label":0}` + "\n" + `{"model":"m","b":"NaN"}`,
			"1 a:1 u.age:2 prediction=3\n2 model=m b:!NaN\n"},
		{"a mistake, and where it stands", `{"a":1}` + "\n\n" + `{"a":1,}`,
			"1 a:1\nerror: x.ndjson: line 3: event rejected: invalid_json: unexpected \"}\" at byte 7\n"},
		{"a native event without a model", `{"features":{"a":1}}`,
			"error: x.ndjson: line 1: event rejected: missing_model: the record names no model: it needs a string \"model\" that is not empty\n"},
		{"a line that is too long", `{"a":1}` + "\n" + `{"a":"` + strings.Repeat("x", 200) + `"}`,
			"error: x.ndjson: line 2 is longer than 128 bytes\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, story(t, write(t, "x.ndjson", []byte(c.content)), event.Limits{MaxBytes: 128}), c.want)
		})
	}
}

func TestRawIsTheLineAsItStands(t *testing.T) {
	r, err := dataset.Open(write(t, "x.ndjson", []byte("\n {\"a\":1} \r\n")), event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var row dataset.Row
	if err := r.Next(&row); err != nil || string(row.Raw) != ` {"a":1} ` || row.Line != 2 {
		t.Errorf("line %d: %q, %v", row.Line, row.Raw, err)
	}
}

func TestRewindAndProgress(t *testing.T) {
	parquet, err := os.ReadFile("testdata/pyarrow.parquet")
	if err != nil {
		t.Fatal(err)
	}
	table := []byte("a,b\n" + strings.Repeat("1,x\n", 50_000))
	lines := []byte(strings.Repeat("{\"a\":1,\"b\":\"x\"}\n", 50_000))
	for name, content := range map[string][]byte{
		"x.csv": table, "x.csv.gz": zipped(t, table), "x.ndjson": lines, "x.ndjson.gz": zipped(t, lines),
		"x.parquet": parquet, "x.parquet.gz": zipped(t, parquet),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := dataset.Open(write(t, name, content), event.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			first := tell(r)
			if r.Size() != int64(len(content)) || r.BytesRead() != r.Size() {
				t.Errorf("at the end %d of %d bytes are read, of a file of %d", r.BytesRead(), r.Size(), len(content))
			}
			var row dataset.Row
			if err := r.Next(&row); err != io.EOF {
				t.Errorf("behind the end: %v", err)
			}
			if err := r.Rewind(); err != nil {
				t.Fatal(err)
			}
			if r.BytesRead() > r.Size()/2 && len(content) > 1<<17 {
				t.Errorf("after a rewind %d of %d bytes are read", r.BytesRead(), r.Size())
			}
			if second := tell(r); second != first {
				t.Errorf("the second time: %.200s\nthe first: %.200s", second, first)
			}
		})
	}
}
