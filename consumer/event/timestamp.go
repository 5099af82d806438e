package event

import "time"

// The first and the last event time: the years 1 to 9999 in milliseconds since
// the Unix epoch. These are the years RFC 3339 can write, but for 0, which no
// calendar has.
const (
	EarliestMillis = -62_135_596_800_000
	LatestMillis   = 253_402_300_799_999
)

// ParseTimestamp reads an RFC 3339 date-time as milliseconds since the Unix
// epoch. ok is false for anything else, and outside the years 1 to 9999. Digits beyond the third of the fraction are dropped, which rounds
// towards the past, before 1970 as well. Any offset is taken; a time
// without one is not, since it names no moment. The separator is T, t or a
// space, the zero offset Z or z. A leap second (…:60) is refused: the
// Unix epoch has no number for it.
func ParseTimestamp(s []byte) (millis int64, ok bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(s) < shortest {
		return 0, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	second, ok6 := digits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) ||
		s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' ||
		(s[10] != 'T' && s[10] != 't' && s[10] != ' ') {
		return 0, false
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	s = s[19:]

	fraction := 0
	if s[0] == '.' {
		i := 1
		for scale := 100; i < len(s) && isDigit(s[i]); i++ {
			fraction += scale * int(s[i]-'0')
			scale /= 10
		}
		if i == 1 || i == len(s) {
			return 0, false
		}
		s = s[i:]
	}

	offset, ok := parseOffset(s)
	if !ok {
		return 0, false
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Unix()
	millis = (at-int64(offset))*1000 + int64(fraction)
	return millis, millis >= EarliestMillis && millis <= LatestMillis
}

// parseOffset reads Z, +hh:mm or -hh:mm as seconds east of UTC.
func parseOffset(s []byte) (seconds int, ok bool) {
	if len(s) == 1 {
		return 0, s[0] == 'Z' || s[0] == 'z'
	}
	if len(s) != len("+00:00") || (s[0] != '+' && s[0] != '-') || s[3] != ':' {
		return 0, false
	}
	hours, ok1 := digits(s[1:3])
	minutes, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds = (hours*60 + minutes) * 60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// ParseMillis reads a whole number of milliseconds since the Unix epoch, written
// in decimal without fraction or exponent. ok is false for anything else, and
// outside the years 1 to 9999.
func ParseMillis(number []byte) (millis int64, ok bool) {
	negative := len(number) > 0 && number[0] == '-'
	if negative {
		number = number[1:]
	}
	const longest = len("253402300799999")
	if len(number) == 0 || len(number) > longest {
		return 0, false
	}
	for _, c := range number {
		if !isDigit(c) {
			return 0, false
		}
		millis = millis*10 + int64(c-'0')
	}
	if negative {
		millis = -millis
	}
	return millis, millis >= EarliestMillis && millis <= LatestMillis
}

func digits(s []byte) (n int, ok bool) {
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}
