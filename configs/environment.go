package configs

import (
	"fmt"
	"strings"
)

// expand replaces every ${NAME} of the text by the environment variable NAME
// and every $$ by a dollar sign. Any other dollar sign stays. What a variable
// holds is not expanded again.
func (d *decoder) expand(text string) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			text = after[1:]
		case strings.HasPrefix(after, "{"):
			name, rest, closed := strings.Cut(after[1:], "}")
			if !closed {
				return "", fmt.Errorf("${ is not closed: write ${NAME}, or $${ for the text itself")
			}
			if !isVariable(name) {
				return "", fmt.Errorf("${%s} does not name an environment variable: write ${NAME} with letters, digits and _, or $${ for the text itself", shortened(name))
			}
			value, ok := d.env(name)
			if !ok {
				return "", fmt.Errorf("the environment variable %s is not set: set it, or write $${%s} for the text itself", shortened(name), shortened(name))
			}
			b.WriteString(value)
			text = rest
		default:
			b.WriteByte('$')
			text = after
		}
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		switch {
		case r == '_', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z':
		case i > 0 && '0' <= r && r <= '9':
		default:
			return false
		}
	}
	return name != ""
}
