package event

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// The short way must agree with strconv bit for bit, or decline.
func TestShortDecimalAgreesWithStrconv(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	numbers := []string{
		"0", "-0", "-0.0", "0.1", "123.456", "9007199254740991", "9007199254740992", "9007199254740993",
		"0.000000000000000001", "-0.00000000000000001", "1234567890123456789", "99999999999999999999",
		"18446744073709551617", "1e5", "1E-3", "0.3000000000000000166", "4.35", "0.1e1",
	}
	for range 100_000 {
		digits := strconv.FormatUint(random.Uint64N(1<<random.UintN(63)+1), 10)
		point := random.IntN(len(digits) + 6)
		number := digits
		if point < len(digits) && point > 0 {
			number = digits[:point] + "." + digits[point:]
		} else if point > len(digits) {
			number = "0." + strings.Repeat("0", point-len(digits)) + digits
		}
		if random.IntN(2) == 0 {
			number = "-" + number
		}
		numbers = append(numbers, number)
	}
	short := 0
	for _, number := range numbers {
		got, ok := shortDecimal([]byte(number))
		if !ok {
			continue
		}
		short++
		want, err := strconv.ParseFloat(number, 64)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: got %x, want %x (%v)", number, got, want, err)
		}
	}
	if short < len(numbers)/2 {
		t.Errorf("only %d of %d numbers went the short way", short, len(numbers))
	}
}

// The set must say what a map says, through growth and many generations.
func TestNameSetIsASet(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	s := newNameSet()
	for generation := range 300 {
		s.reset()
		type entry struct {
			name   string
			origin nameOrigin
		}
		known := map[entry]bool{}
		size := 1 << random.IntN(11)
		for range size {
			e := entry{fmt.Sprint(random.IntN(size)), nameOrigin(random.IntN(3))}
			duplicate := false
			for origin := originMember; origin <= originNested; origin++ {
				if known[entry{e.name, origin}] && !apart(origin, e.origin) {
					duplicate = true
				}
			}
			if got := s.add([]byte(e.name), e.origin); got == duplicate {
				t.Fatalf("generation %d: add(%v) = %v beside %v", generation, e, got, known)
			}
			if !duplicate {
				known[e] = true
			}
		}
	}
}

func TestNameSetSurvivesTheWrapOfItsGeneration(t *testing.T) {
	s := newNameSet()
	s.add([]byte("a"), originMember)
	s.generation = math.MaxUint32
	s.reset()
	if !s.add([]byte("a"), originMember) || s.add([]byte("a"), originMember) {
		t.Error("after the wrap, a name of the first generation passes for a new one, or a new one is lost")
	}
}

func TestNameSetGivesBackWhatALargeRecordTook(t *testing.T) {
	s := newNameSet()
	for i := range 100_000 {
		s.add(fmt.Append(nil, i), originMember)
	}
	s.reset()
	if len(s.slots) > 1<<14 || cap(s.names) > 1<<14 {
		t.Errorf("%d slots and %d names kept", len(s.slots), cap(s.names))
	}
}
