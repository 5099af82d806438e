package evidence

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// dash stands where there is no number.
const dash = "–"

// longestName is how many characters of a name are shown.
const longestName = 200

// visible makes a name safe to look at: what does not print (controls,
// characters that turn the direction of writing around, spaces of no width)
// shows as its escape, and what is too long ends in an ellipsis. It is for the
// eye; against markup the templates escape.
func visible(name string) string {
	var b strings.Builder
	shown := 0
	for i, r := range name {
		if shown == longestName {
			b.WriteString("…")
			break
		}
		shown++
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(name[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, name[i])
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// count groups the digits of a whole number by thousands.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f') // narrow no-break space
		}
		b.WriteRune(d)
	}
	return b.String()
}

// decimal writes a number with so many significant digits, without an exponent
// where that stays readable.
func decimal(x float64, digits int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dash
	}
	magnitude := math.Abs(x)
	if x != 0 && (magnitude < 1e-4 || magnitude >= 1e9) {
		return minus(strconv.FormatFloat(x, 'e', max(digits-1, 0), 64))
	}
	places := digits - 1
	if x != 0 {
		places -= int(math.Floor(math.Log10(magnitude)))
	}
	out := strconv.FormatFloat(x, 'f', max(places, 0), 64)
	if strings.Contains(out, ".") {
		out = strings.TrimRight(strings.TrimRight(out, "0"), ".")
	}
	return minus(out)
}

// minus writes negative numbers with the minus sign, which is as wide as a
// digit.
func minus(s string) string {
	if strings.HasPrefix(s, "-") {
		return "−" + s[1:]
	}
	return s
}

// placesOf is how many places a decimal has after its point.
func placesOf(s string) int {
	_, after, _ := strings.Cut(s, ".")
	if strings.Contains(s, "e") {
		return 0
	}
	return min(len(after), 6)
}

// aligned writes a number with so many places, for a column in which the points
// stand below each other.
func aligned(x float64, places int) string {
	if magnitude := math.Abs(x); magnitude >= 1e9 || math.IsNaN(x) || x != 0 && places == 0 && magnitude < 0.5 {
		return decimal(x, 5)
	}
	s := strconv.FormatFloat(x, 'f', places, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return minus(s)
}

// plus puts the sign of what is greater than zero before a difference that is
// written already.
func plus(x float64, written string) string {
	if x > 0 && written != dash && strings.Trim(written, "0.") != "" {
		return "+" + written
	}
	return written
}

// statistic writes a D, a V or an effect: three places, as tables align best.
func statistic(n *drift.Number) string {
	if n == nil || math.IsNaN(float64(*n)) || math.IsInf(float64(*n), 0) {
		return dash
	}
	return minus(strconv.FormatFloat(float64(*n), 'f', 3, 64))
}

// chiSquare writes the statistic of a chi-square test, which has no bound.
func chiSquare(n *drift.Number) string {
	if n == nil {
		return dash
	}
	return decimal(float64(*n), 4)
}

// probability writes a p-value. log is its natural logarithm where it
// underflows, and nil elsewhere.
func probability(p, log *drift.Number) string {
	switch {
	case p == nil || math.IsNaN(float64(*p)):
		return dash
	case *p == 0 && log != nil && *log < 0:
		return "1e−" + strconv.FormatFloat(math.Floor(-float64(*log)/math.Ln10), 'f', 0, 64)
	case *p == 0:
		return "< 1e−300"
	case *p < 0.001:
		return strings.Replace(strconv.FormatFloat(float64(*p), 'e', 1, 64), "e-", "e−", 1)
	}
	return strconv.FormatFloat(float64(*p), 'f', 3, 64)
}

// percent writes a share. What is there but rounds to nothing says so.
func percent(part, whole float64) string {
	if whole <= 0 || math.IsNaN(part) {
		return dash
	}
	share := 100 * part / whole
	switch {
	case share == 0:
		return "0 %"
	case share > 0 && share < 0.05:
		return "< 0.1 %"
	case share > 99.95 && share < 100:
		return "> 99.9 %"
	}
	return strconv.FormatFloat(share, 'f', 1, 64) + " %"
}

// clock writes a moment in UTC, with seconds where there are any.
func clock(t time.Time) string {
	if t.Nanosecond() != 0 {
		return t.UTC().Format("2006-01-02 15:04:05.000")
	}
	if t.Second() != 0 {
		return t.UTC().Format("2006-01-02 15:04:05")
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// span writes a window: the day once where it is shorter than one.
func span(start, end time.Time) string {
	from, to := clock(start), clock(end)
	if length := end.Sub(start); 0 < length && length < 24*time.Hour {
		to = to[11:]
	}
	return from + " – " + to + " UTC"
}

// machine writes a moment for a time element.
func machine(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// plural writes a number and its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(uint64(max(n, 0))) + " " + many
}
