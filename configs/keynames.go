package configs

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// known reports whether the key is one of the fields.
func known(fields []field, key string) bool {
	for _, f := range fields {
		if f.key == key {
			return true
		}
	}
	return false
}

// advice says what to write instead of a key that is none of the fields: the
// one it resembles or begins with, the place where it would be one, or all there are.
func advice(key, path string, fields []field, all []Key) string {
	if name, rest, found := strings.Cut(key, ":"); found && known(fields, name) {
		return fmt.Sprintf("write a space after the colon, as in %s: %s", name, shortened(rest))
	}
	best, distance := "", 1+max(1, utf8.RuneCountInString(key)/3)
	for _, f := range fields {
		if n := editDistance(strings.ToLower(key), f.key); n < distance {
			best, distance = f.key, n
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	var elsewhere, above []string // above: in a section that the key stands in
	for _, k := range all {
		if k.Path == key || strings.HasSuffix(k.Path, "."+key) {
			elsewhere = append(elsewhere, k.Path)
			if section := strings.TrimPrefix(parent(k.Path), "defaults."); section != "" && strings.Contains("."+path, "."+section+".") {
				above = append(above, k.Path)
			}
		}
	}
	if len(above) == 1 {
		elsewhere = above
	}
	if len(elsewhere) == 1 {
		return fmt.Sprintf("it belongs at %s", elsewhere[0])
	}
	where := "here"
	if path == "" {
		where = "at the top"
	}
	return fmt.Sprintf("%s can stand %s", keysOf(fields), where)
}

// keysOf lists the keys of the fields.
func keysOf(fields []field) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return strings.Join(keys, ", ")
}

// editDistance is the number of characters to insert, delete, replace or swap
// with their neighbour to make one text of the other (the restricted
// Damerau–Levenshtein distance). Texts too long for a key are far from
// everything.
func editDistance(a, b string) int {
	const longest = 64
	s, t := []rune(a), []rune(b)
	if len(s) > longest || len(t) > longest {
		return longest
	}
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			replace := rows[i-1][j-1]
			if s[i-1] != t[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
