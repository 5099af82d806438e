package configs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Budget is how many false pages are accepted in a period. The zero Budget is
// none.
type Budget struct {
	Pages  int
	Period windows.Span
}

// Windows is how many windows start within the period, a day being 24 hours
// and a month 30 days.
func (b Budget) Windows(every windows.Span) float64 {
	return float64(nominal(b.Period)) / float64(nominal(every))
}

func nominal(s windows.Span) time.Duration {
	const day = 24 * time.Hour
	switch s.Unit {
	case windows.Days:
		return time.Duration(s.Count) * day
	case windows.Weeks:
		return time.Duration(s.Count) * 7 * day
	case windows.Months:
		return time.Duration(s.Count) * 30 * day
	default:
		return time.Duration(s.Count) * time.Millisecond
	}
}

const mostBudgetPages = 1000

// budget is a number of pages per period.
func budget(into *Budget) value {
	const want = "a number of pages and a period, such as 1 per 30d"
	return scalar[Budget]{
		into: into, kind: "pages per period", want: want,
		parse: func(s string) (Budget, error) {
			pages, period, found := strings.Cut(s, " per ")
			n, err := strconv.Atoi(strings.TrimSpace(pages))
			if !found || err != nil {
				return Budget{}, fmt.Errorf("is not a budget: write %s", want)
			}
			if n < 1 || n > mostBudgetPages {
				return Budget{}, fmt.Errorf("is out of range: write 1 to %d pages", mostBudgetPages)
			}
			b := Budget{Pages: n}
			if b.Period, err = windows.ParseSpan(strings.TrimSpace(period)); err != nil || b.Period.Longest() > maxDuration {
				return Budget{}, fmt.Errorf("is not a budget: write a period of up to a year, as in 1 per 30d")
			}
			return b, nil
		},
		show: func(b Budget) string {
			if b.Pages == 0 {
				return ""
			}
			return fmt.Sprintf("%d per %s", b.Pages, formatSpan(b.Period))
		},
		schema: &jsonschema.Schema{Type: "string", Pattern: `^ *[0-9]+ +per +[0-9]`},
	}
}
