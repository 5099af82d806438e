package dataset

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// conversion turns a Parquet value that is not null into ours. Texts are
// appended to scratch, which is returned.
type conversion func(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error)

// toValue converts features, predictions and outcomes.
func toValue(t parquet.Type) (convert conversion, numeric bool, err error) {
	switch logical := logicalType(t).(type) {
	case nil:
		if t.ConvertedType() != nil {
			break // annotated, but not as anything below
		}
		switch t.Kind() {
		case parquet.Boolean:
			return boolean, false, nil
		case parquet.Int32:
			return numbers(func(value parquet.Value) float64 { return float64(value.Int32()) }), true, nil
		case parquet.Int64:
			return numbers(func(value parquet.Value) float64 { return float64(value.Int64()) }), true, nil
		case parquet.Float:
			return numbers(func(value parquet.Value) float64 { return float64(value.Float()) }), true, nil
		case parquet.Double:
			return numbers(func(value parquet.Value) float64 { return value.Double() }), true, nil
		}
	case *format.IntType:
		return numbers(integer(t, logical)), true, nil
	case *format.DecimalType:
		if logical.Scale < 0 || logical.Scale > 1000 {
			return nil, false, fmt.Errorf("a decimal's scale cannot be %d", logical.Scale)
		}
		return decimals(t.Kind(), logical.Scale), true, nil
	case *format.StringType, *format.EnumType:
		return text, false, nil
	case *format.UUIDType:
		return uuid, false, nil
	case *format.NullType:
		return numbers(func(parquet.Value) float64 { return math.NaN() }), true, nil // no value is ever there
	}
	return nil, false, errors.New("cannot be a feature: numbers, decimals, booleans, strings, enums and UUIDs can; leave it out")
}

// toName converts model, version, request_id and status.
func toName(t parquet.Type) (conversion, error) {
	switch logicalType(t).(type) {
	case *format.StringType, *format.EnumType:
		return text, nil
	case *format.UUIDType:
		return uuid, nil
	case nil, *format.IntType:
		if (t.Kind() == parquet.Int32 || t.Kind() == parquet.Int64) && (logicalType(t) != nil || t.ConvertedType() == nil) {
			return digits(t), nil
		}
	}
	return nil, errors.New("must be a string or an integer")
}

// toTime converts ts to milliseconds since the Unix epoch, rounded towards the
// past. Times without a zone are taken for UTC.
func toTime(t parquet.Type) (conversion, error) {
	switch logical := logicalType(t).(type) {
	case *format.TimestampType:
		if t.Kind() != parquet.Int64 {
			break
		}
		switch logical.Unit.Value.(type) {
		case *format.MilliSeconds:
			return times(1), nil
		case *format.MicroSeconds:
			return times(1e3), nil
		case *format.NanoSeconds:
			return times(1e6), nil
		}
	case *format.StringType:
		return timeText, nil
	case nil:
		switch {
		case t.Kind() == parquet.Int96:
			return timeInt96, nil
		case t.Kind() == parquet.Int64 && t.ConvertedType() == nil:
			return times(1), nil
		}
	}
	return nil, errors.New("must be a timestamp, an RFC 3339 string, or an integer of milliseconds since 1970")
}

// logicalType returns the annotation of a column, whether the file writes the
// logical or only the older converted type; nil without one.
func logicalType(t parquet.Type) format.LogicalTypeValue {
	if logical := t.LogicalType(); logical != nil && logical.Value != nil {
		return logical.Value
	}
	return nil
}

func numbers(read func(parquet.Value) float64) conversion {
	return func(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
		v.Kind, v.Number = event.Number, read(value)
		if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
			start := len(scratch)
			scratch = append(scratch, spell(v.Number)...)
			v.Kind, v.Text = event.NonFinite, scratch[start:len(scratch):len(scratch)]
		}
		return scratch, nil
	}
}

// spell names a non-finite number as native events do.
func spell(number float64) string {
	switch {
	case math.IsInf(number, 1):
		return "Infinity"
	case math.IsInf(number, -1):
		return "-Infinity"
	default:
		return "NaN"
	}
}

func integer(t parquet.Type, logical *format.IntType) func(parquet.Value) float64 {
	switch {
	case t.Kind() == parquet.Int32 && logical.IsSigned:
		return func(value parquet.Value) float64 { return float64(value.Int32()) }
	case t.Kind() == parquet.Int32:
		return func(value parquet.Value) float64 { return float64(value.Uint32()) }
	case logical.IsSigned:
		return func(value parquet.Value) float64 { return float64(value.Int64()) }
	default:
		return func(value parquet.Value) float64 { return float64(value.Uint64()) }
	}
}

// digits writes an integer as its text.
func digits(t parquet.Type) conversion {
	logical, _ := logicalType(t).(*format.IntType)
	unsigned := logical != nil && !logical.IsSigned
	return func(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
		start := len(scratch)
		switch {
		case t.Kind() == parquet.Int32 && unsigned:
			scratch = strconv.AppendUint(scratch, uint64(value.Uint32()), 10)
		case t.Kind() == parquet.Int32:
			scratch = strconv.AppendInt(scratch, int64(value.Int32()), 10)
		case unsigned:
			scratch = strconv.AppendUint(scratch, value.Uint64(), 10)
		default:
			scratch = strconv.AppendInt(scratch, value.Int64(), 10)
		}
		v.Kind, v.Text = event.Text, scratch[start:len(scratch):len(scratch)]
		return scratch, nil
	}
}

// decimals reads unscaled × 10^-scale as the nearest float64, by way of its
// decimal text, so that 0.1 is the 0.1 of JSON and CSV.
func decimals(kind parquet.Kind, scale int32) conversion {
	exponent := "e-" + strconv.Itoa(int(scale))
	return func(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
		var unscaled string
		switch kind {
		case parquet.Int32:
			unscaled = strconv.FormatInt(int64(value.Int32()), 10)
		case parquet.Int64:
			unscaled = strconv.FormatInt(value.Int64(), 10)
		default:
			if len(value.ByteArray()) > 64 { // 38 digits, the most in use, take 16
				return scratch, fmt.Errorf("a decimal of %d bytes", len(value.ByteArray()))
			}
			unscaled = twosComplement(value.ByteArray()).String()
		}
		number, err := strconv.ParseFloat(unscaled+exponent, 64)
		if err != nil {
			return scratch, fmt.Errorf("the decimal %s%s is beyond float64", unscaled, exponent)
		}
		v.Kind, v.Number = event.Number, number
		return scratch, nil
	}
}

// twosComplement reads a signed integer in big-endian bytes.
func twosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func boolean(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
	start := len(scratch)
	scratch = strconv.AppendBool(scratch, value.Boolean())
	v.Kind, v.Text = event.Bool, scratch[start:len(scratch):len(scratch)]
	return scratch, nil
}

func text(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
	start := len(scratch)
	scratch = append(scratch, value.ByteArray()...)
	v.Kind, v.Text = event.Text, scratch[start:len(scratch):len(scratch)]
	if !utf8.Valid(v.Text) {
		return scratch, fmt.Errorf("%s is not UTF-8", shorten(string(v.Text)))
	}
	return scratch, nil
}

func uuid(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
	b := value.ByteArray()
	if len(b) != 16 {
		return scratch, fmt.Errorf("a UUID of %d bytes", len(b))
	}
	start := len(scratch)
	for i, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			scratch = append(scratch, '-')
		}
		scratch = hex.AppendEncode(scratch, part)
	}
	v.Kind, v.Text = event.Text, scratch[start:len(scratch):len(scratch)]
	return scratch, nil
}

func times(perMilli int64) conversion {
	return func(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
		at := value.Int64()
		millis := at / perMilli
		if at%perMilli < 0 {
			millis--
		}
		return scratch, setTime(millis, v)
	}
}

// timeInt96 reads the timestamp of Impala and older Sparks: nanoseconds of the
// day, then the Julian day.
func timeInt96(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
	const epochDay, dayMillis = 2_440_588, 86_400_000
	var at deprecated.Int96 = value.Int96()
	nanos := int64(uint64(at[1])<<32 | uint64(at[0]))
	if nanos < 0 || nanos >= dayMillis*1e6 {
		return scratch, fmt.Errorf("a time of %d nanoseconds after midnight", nanos)
	}
	return scratch, setTime((int64(at[2])-epochDay)*dayMillis+nanos/1e6, v)
}

func timeText(scratch []byte, value parquet.Value, v *event.Value) ([]byte, error) {
	millis, ok := event.ParseTimestamp(value.ByteArray())
	if !ok {
		return scratch, fmt.Errorf("%s is not an RFC 3339 time with an offset", shorten(string(value.ByteArray())))
	}
	return scratch, setTime(millis, v)
}

// setTime stores a time, which in the years 1 to 9999 a float64 holds exactly.
func setTime(millis int64, v *event.Value) error {
	if millis < event.EarliestMillis || millis > event.LatestMillis {
		return fmt.Errorf("a time %d milliseconds from 1970, outside the years 1 to 9999", millis)
	}
	v.Kind, v.Number = event.Number, float64(millis)
	return nil
}
