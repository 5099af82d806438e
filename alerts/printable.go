package alerts

import (
	"fmt"
	"strings"
	"unicode"
)

// printable makes a line that people read of names that anybody may have chosen:
// what does not print (line breaks, escape sequences of terminals, what turns the
// direction of writing around) shows as its escape.
func printable(text string) string {
	hidden := func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			_, _ = fmt.Fprintf(&b, `\u%04x`, r) // a Builder takes everything
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
