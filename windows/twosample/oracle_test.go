package twosample

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// readOracle reads every case of a compressed JSON-lines file of testdata.
func readOracle[Case any](t testing.TB, name string) []Case {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var c Case
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			t.Fatalf("%s, case %d: %v", name, len(cases)+1, err)
		}
		cases = append(cases, c)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// A jsonReal reads a JSON number, or "inf" and "-inf".
type jsonReal float64

func (r *jsonReal) UnmarshalJSON(data []byte) error {
	text := string(data)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	value, err := strconv.ParseFloat(text, 64)
	*r = jsonReal(value)
	return err
}

// A sampleSource is one of the three ways in which a case names a sample.
type sampleSource struct {
	list   []jsonReal
	base64 string
	made   *generator
	sha256 string
}

// values is the sample in the case's own order.
func (s sampleSource) values(t testing.TB) []float64 {
	t.Helper()
	var values []float64
	var raw []byte
	switch {
	case s.made != nil:
		values = s.made.values(t)
		for _, v := range values {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
	case s.base64 != "":
		var err error
		if raw, err = base64.StdEncoding.DecodeString(s.base64); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(raw); i += 8 {
			values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(raw[i:])))
		}
	default:
		for _, v := range s.list {
			values = append(values, float64(v))
		}
	}
	if s.sha256 != "" {
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != s.sha256 {
			t.Fatal("the sample is not what its sum says")
		}
	}
	return values
}

func (s sampleSource) sorted(t testing.TB) []float64 {
	t.Helper()
	values := s.values(t)
	slices.Sort(values)
	return values
}

// pairSource is the part of a case that names two samples.
type pairSource struct {
	X    []jsonReal `json:"x"`
	Y    []jsonReal `json:"y"`
	X64  string     `json:"x_b64"`
	Y64  string     `json:"y_b64"`
	XGen *generator `json:"x_gen"`
	YGen *generator `json:"y_gen"`
	XSum string     `json:"x_sha256"`
	YSum string     `json:"y_sha256"`
}

func (p pairSource) x() sampleSource { return sampleSource{p.X, p.X64, p.XGen, p.XSum} }
func (p pairSource) y() sampleSource { return sampleSource{p.Y, p.Y64, p.YGen, p.YSum} }

// A generator makes a sample from a seed; testdata/README.md says how.
type generator struct {
	Kind   string   `json:"kind"`
	Seed   string   `json:"seed"`
	N      int      `json:"n"`
	Scale  *float64 `json:"scale"`
	Loc    float64  `json:"loc"`
	Scale2 *float64 `json:"scale2"`
	Loc2   float64  `json:"loc2"`
	P      float64  `json:"p"`
	Q      float64  `json:"q"`
	K      uint64   `json:"k"`
	Order  string   `json:"order"`
	state  uint64
}

func (g *generator) next() uint64 {
	g.state += 0x9E3779B97F4A7C15
	z := g.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (g *generator) uniform() float64 { return float64(g.next()>>11) * 0x1p-53 }

// normalish is the Irwin–Hall sum of twelve uniforms less six.
func (g *generator) normalish() float64 {
	sum := 0.0
	for range 12 {
		sum += g.uniform()
	}
	return sum - 6
}

func affine(z float64, scale *float64, loc float64) float64 {
	s := 1.0
	if scale != nil {
		s = *scale
	}
	return float64(s*z) + loc
}

func (g *generator) value() (float64, error) {
	switch g.Kind {
	case "u01":
		return affine(g.uniform(), g.Scale, g.Loc), nil
	case "sq":
		u := g.uniform()
		return affine(float64(u*u), g.Scale, g.Loc), nil
	case "pareto1":
		return affine(1/(1-g.uniform())-1, g.Scale, g.Loc), nil
	case "ih12":
		return affine(g.normalish(), g.Scale, g.Loc), nil
	case "grid":
		z := affine(g.normalish(), g.Scale, g.Loc)
		return math.Floor(float64(z*g.Q)) / g.Q, nil
	case "mix":
		u, z := g.uniform(), g.normalish()
		if u < g.P {
			return affine(z, g.Scale, g.Loc), nil
		}
		return affine(z, g.Scale2, g.Loc2), nil
	case "int":
		return float64(g.next()%g.K) + g.Loc, nil
	case "zinf":
		u, v := g.uniform(), g.uniform()
		if u < g.P {
			return 0, nil
		}
		return affine(v, g.Scale, g.Loc), nil
	}
	return 0, fmt.Errorf("no generator %q", g.Kind)
}

func (g *generator) values(t testing.TB) []float64 {
	t.Helper()
	seed, err := strconv.ParseUint(g.Seed, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	g.state = seed
	values := make([]float64, g.N)
	for i := range values {
		if values[i], err = g.value(); err != nil {
			t.Fatal(err)
		}
	}
	switch g.Order {
	case "asc":
		slices.Sort(values)
	case "desc":
		slices.Sort(values)
		slices.Reverse(values)
	case "organ":
		slices.Sort(values)
		var rising, falling []float64
		for i, v := range values {
			if i%2 == 0 {
				rising = append(rising, v)
			} else {
				falling = append(falling, v)
			}
		}
		slices.Reverse(falling)
		values = append(rising, falling...)
	}
	return values
}

// relative is |got−want| in units of |want|; 0 where both are the same.
func relative(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / math.Abs(want)
}
