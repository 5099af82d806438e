package configs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
)

// text is any text that is not empty.
func text(into *string) value {
	return scalar[string]{
		into: into, kind: "text", want: "a text",
		parse: func(s string) (string, error) {
			if strings.TrimSpace(s) == "" {
				return "", fmt.Errorf("is empty: write a text")
			}
			return s, nil
		},
		show:   func(s string) string { return s },
		schema: &jsonschema.Schema{Type: "string", MinLength: new(uint64(1))},
	}
}

// pattern is a text that fits the expression.
func pattern(into *string, kind, expression, want string) scalar[string] {
	compiled := regexp.MustCompile(expression)
	return scalar[string]{
		into: into, kind: kind, want: want,
		parse: func(s string) (string, error) {
			if !compiled.MatchString(s) {
				return "", fmt.Errorf("is not %s", want)
			}
			return s, nil
		},
		show:   func(s string) string { return s },
		schema: &jsonschema.Schema{Type: "string", Pattern: expression},
	}
}

// topic is the name of a Kafka topic.
func topic(into *string) value {
	const want = "a topic's name: 1 to 249 letters, digits, dots, _ and -, and neither . nor .."
	t := pattern(into, "topic", `^[a-zA-Z0-9._-]{1,249}$`, want)
	parse := t.parse
	t.parse = func(s string) (string, error) {
		if s == "." || s == ".." {
			return "", fmt.Errorf("is not %s", want)
		}
		return parse(s)
	}
	return t
}

// address is the address of a server.
func address(into *string) value {
	return addressOf(into, false, "a server's address such as localhost:9092")
}

// listenAddress is an address to listen on, where no host means all and port 0
// any that is free.
func listenAddress(into *string) value {
	return addressOf(into, true, "an address to listen on, such as 127.0.0.1:9464")
}

func addressOf(into *string, listen bool, want string) value {
	host := `[^/\s@]+`
	if listen {
		host = `[^/\s@]*`
	}
	example := want[strings.LastIndex(want, " ")+1:]
	return scalar[string]{
		into: into, kind: "address", want: want,
		parse: func(s string) (string, error) {
			host, port, err := net.SplitHostPort(s)
			if err != nil || strings.ContainsAny(host, "/@ \t\r\n") || host == "" && !listen {
				return "", fmt.Errorf("is not an address: write host:port, as in %s", example)
			}
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && !listen {
				return "", fmt.Errorf("is not an address: the port must be a number from 1 to 65535, as in %s", example)
			}
			return s, nil
		},
		show:   func(s string) string { return s },
		schema: &jsonschema.Schema{Type: "string", Pattern: "^" + host + ":[0-9]{1,5}$"},
	}
}

// oneOf is one of the names.
func oneOf(into *string, names []string) value {
	want := strings.Join(names, " or ")
	if len(names) > 2 {
		want = strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	}
	enum := make([]any, len(names))
	for i, name := range names {
		enum[i] = name
	}
	return scalar[string]{
		into: into, kind: "`" + strings.Join(names, "`, `") + "`", want: want,
		parse: func(s string) (string, error) {
			if slices.Contains(names, s) {
				return s, nil
			}
			for _, name := range names {
				if strings.EqualFold(name, s) {
					return "", fmt.Errorf("is not known: did you mean %s?", name)
				}
			}
			return "", fmt.Errorf("is not known: write %s", want)
		},
		show:   func(s string) string { return s },
		schema: &jsonschema.Schema{Type: "string", Enum: enum},
	}
}

// whole is a whole number from low to high.
func whole[T int | int64 | uint64](into *T, low, high int64) value {
	want := fmt.Sprintf("a whole number from %d to %d", low, high)
	return scalar[T]{
		into: into, kind: "whole number", want: want, native: "integer",
		parse: func(s string) (T, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil || strconv.FormatInt(n, 10) != s {
				return 0, fmt.Errorf("is not %s", want)
			}
			if n < low || n > high {
				return 0, fmt.Errorf("is out of range: write %s", want)
			}
			return T(n), nil
		},
		show: func(n T) string {
			if int64(n) < low {
				return "" // not given
			}
			return fmt.Sprint(n)
		},
		schema: &jsonschema.Schema{
			Type:    "integer",
			Minimum: json.Number(strconv.FormatInt(low, 10)),
			Maximum: json.Number(strconv.FormatInt(high, 10)),
		},
	}
}

// A bound of a number: whether the limit itself is allowed.
type bound struct {
	limit float64
	open  bool
}

// number is a number between two bounds.
func number(into *float64, low, high bound) value {
	brackets := func(b bound, open, closed string) string {
		if b.open {
			return open
		}
		return closed
	}
	from, to := formatNumber(low.limit), formatNumber(high.limit)
	interval := brackets(low, "(", "[") + from + ", " + to + brackets(high, ")", "]")
	schema := &jsonschema.Schema{Type: "number"}
	if low.open {
		schema.ExclusiveMinimum = json.Number(from)
	} else {
		schema.Minimum = json.Number(from)
	}
	if high.open {
		schema.ExclusiveMaximum = json.Number(to)
	} else {
		schema.Maximum = json.Number(to)
	}
	want := "a number in " + interval
	return scalar[float64]{
		into: into, kind: "number in " + interval, want: want, native: "number",
		parse: func(s string) (float64, error) {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil || strings.ContainsAny(s, "xXpP_") {
				return 0, fmt.Errorf("is not a number: write %s", want)
			}
			// NaN is in no interval.
			aboveLow := cmp.Compare(x, low.limit) > 0 || x == low.limit && !low.open
			belowHigh := cmp.Compare(x, high.limit) < 0 || x == high.limit && !high.open
			if !aboveLow || !belowHigh {
				return 0, fmt.Errorf("is out of range: write %s", want)
			}
			return x, nil
		},
		show:   formatNumber,
		schema: schema,
	}
}

func formatNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// boolean is true or false.
func boolean(into *bool) value {
	return scalar[bool]{
		into: into, kind: "`true`, `false`", want: "true or false", native: "boolean",
		parse: func(s string) (bool, error) {
			switch s {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
			return false, fmt.Errorf("is not a boolean: write true or false")
		},
		show:   strconv.FormatBool,
		schema: &jsonschema.Schema{Type: "boolean"},
	}
}
