package configs

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// A glob is a regular expression in other words; random ones over a small
// alphabet match the same.
func TestGlobsAgreeWithRegularExpressions(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet []string, longest int) string {
		var b strings.Builder
		for range random.IntN(longest + 1) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	matched := 0
	for range 20_000 {
		glob, model := text([]string{"a", "b", "é", "*", "?", ".", "["}, 6), text([]string{"a", "b", "é", "/", ".", "["}, 6)
		expression := regexp.QuoteMeta(glob)
		expression = strings.ReplaceAll(expression, `\*`, `(?s:.*)`)
		expression = strings.ReplaceAll(expression, `\?`, `(?s:.)`)
		want := regexp.MustCompile("^" + expression + "$").MatchString(model)
		if got := matches(glob, model); got != want {
			t.Fatalf("matches(%q, %q) = %v", glob, model, got)
		}
		if want {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d of the random globs matched", matched)
	}
}

func TestHostileGlobsTakeNoForever(t *testing.T) {
	glob := strings.Repeat("a*", 500) + "b"
	if matches(glob, strings.Repeat("a", 5000)) {
		t.Error("a text without b matches")
	}
}
