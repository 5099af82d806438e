package dataset

import "fmt"

// use is what a column of a table is read as.
type use uint8

const (
	useFeature use = iota
	useModel
	useVersion
	useRequestID
	useTime
	useStatus
	useLatency
	usePrediction
	useOutcome
	useNothing
)

// useOf returns what a column of this name is.
func useOf(name string) use {
	switch name {
	case "model":
		return useModel
	case "version":
		return useVersion
	case "request_id":
		return useRequestID
	case "ts":
		return useTime
	case "status":
		return useStatus
	case "latency_ms":
		return useLatency
	case "prediction":
		return usePrediction
	case "outcome":
		return useOutcome
	case "label":
		return useNothing
	default:
		return useFeature
	}
}

// typed says whether the values of such a column are numbers or categories.
func (u use) typed() bool { return u == useFeature || u == usePrediction || u == useOutcome }

// success is the status of a row without one.
const success = "success"

// fieldError names a column in an error; the row's place is added around it.
func fieldError(column, format string, args ...any) error {
	return fmt.Errorf("column %q: %w", column, fmt.Errorf(format, args...))
}

// shorten quotes a text from a file for a message.
func shorten(text string) string {
	const most = 40
	if runes := []rune(text[:min(len(text), 4*most)]); len(runes) > most {
		return fmt.Sprintf("%q…", string(runes[:most]))
	}
	return fmt.Sprintf("%q", text)
}
