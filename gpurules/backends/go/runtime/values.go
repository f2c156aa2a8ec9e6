package rules

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Number is a number that may be missing; its zero value is missing.
//
// Integers stay exact up to 2^63-1, as in gpurules itself; everything else is a double.
type Number struct {
	f    float64
	i    int64
	kind uint8
}

const (
	missing uint8 = iota
	integer
	double
)

// Int returns a whole number.
func Int(value int64) Number {
	if value == math.MinInt64 {
		return Float(float64(value))
	}
	return Number{float64(value), value, integer}
}

// Float returns a number; NaN and infinities are missing.
func Float(value float64) Number {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Number{}
	}
	return Number{value, 0, double}
}

// Known reports whether the number is there.
func (n Number) Known() bool { return n.kind != missing }

// Float64 returns the number as a double, 0 where it is missing.
func (n Number) Float64() float64 { return n.f }

// Text is a text that may be missing; its zero value is missing.
type Text struct {
	s     string
	known bool
}

// String returns a text.
func String(value string) Text { return Text{value, true} }

// Known reports whether the text is there.
func (t Text) Known() bool { return t.known }

// Value returns the text, empty where it is missing.
func (t Text) Value() string { return t.s }

// Truth is a truth value of Kleene's logic; its zero value is Unknown.
type Truth int8

// The truth values.
const (
	Unknown Truth = 0
	True    Truth = 1
	False   Truth = -1
)

// Bool returns the truth value of a bool.
func Bool(value bool) Truth {
	if value {
		return True
	}
	return False
}

// Index is the index of a GPU: a board's number, or "1:0" for instance 0 of a partitioned GPU 1.
type Index struct {
	number int64
	name   string
}

// Board returns the index of a whole GPU.
func Board(number int64) Index { return Index{number, ""} }

// Instance returns an index that is not a number, such as "1:0".
func Instance(name string) Index { return Index{-1, name} }

func truthOf(isTrue, isFalse bool) Truth {
	if isTrue {
		return True
	}
	if isFalse {
		return False
	}
	return Unknown
}

func notTruth(a Truth) Truth { return -a }

func andTruth(a, b Truth) Truth {
	if a < b {
		return a
	}
	return b
}

func orTruth(a, b Truth) Truth {
	if a > b {
		return a
	}
	return b
}

func equalTruth(a, b Truth) Truth { return a * b }

func coalesceTruth(a, b Truth) Truth {
	if a != Unknown {
		return a
	}
	return b
}

func coalesceNumber(a, b Number) Number {
	if a.kind != missing {
		return a
	}
	return b
}

func coalesceText(a, b Text) Text {
	if a.known {
		return a
	}
	return b
}

// Comparisons with a constant below 2^53, for which the double decides.

func above(x Number, limit float64) bool   { return x.kind != missing && x.f > limit }
func atLeast(x Number, limit float64) bool { return x.kind != missing && x.f >= limit }
func below(x Number, limit float64) bool   { return x.kind != missing && x.f < limit }
func atMost(x Number, limit float64) bool  { return x.kind != missing && x.f <= limit }
func equals(x Number, limit float64) bool  { return x.kind != missing && x.f == limit }
func differs(x Number, limit float64) bool { return x.kind != missing && x.f != limit }

// Comparisons of two numbers, exact where one is an integer and the other a double.

func numberAbove(x, y Number) bool   { return bothKnown(x, y) && compareNumbers(x, y) > 0 }
func numberAtLeast(x, y Number) bool { return bothKnown(x, y) && compareNumbers(x, y) >= 0 }
func numberBelow(x, y Number) bool   { return bothKnown(x, y) && compareNumbers(x, y) < 0 }
func numberAtMost(x, y Number) bool  { return bothKnown(x, y) && compareNumbers(x, y) <= 0 }
func numberEquals(x, y Number) bool  { return bothKnown(x, y) && compareNumbers(x, y) == 0 }
func numberDiffers(x, y Number) bool { return bothKnown(x, y) && compareNumbers(x, y) != 0 }

func bothKnown(x, y Number) bool { return x.kind != missing && y.kind != missing }

func compareNumbers(x, y Number) int {
	switch {
	case x.kind == integer && y.kind == integer:
		if x.i != y.i {
			return sign(x.i > y.i)
		}
		return 0
	case x.kind == double && y.kind == double:
		if x.f != y.f {
			return sign(x.f > y.f)
		}
		return 0
	case x.kind == integer:
		return compareMixed(x.i, y.f)
	default:
		return -compareMixed(y.i, x.f)
	}
}

func sign(isAbove bool) int {
	if isAbove {
		return 1
	}
	return -1
}

func compareMixed(i int64, f float64) int {
	if f >= 9223372036854775808.0 {
		return -1
	}
	if f < -9223372036854775808.0 {
		return 1
	}
	whole := math.Trunc(f)
	if w := int64(whole); i != w {
		return sign(i > w)
	}
	if f != whole {
		return sign(whole > f)
	}
	return 0
}

// Arithmetic: exact on integers, missing where the result is not finite.

func add(x, y Number) Number {
	if x.kind == integer && y.kind == integer {
		return wideFrom(x.i).plus(wideFrom(y.i)).number()
	}
	if !bothKnown(x, y) {
		return Number{}
	}
	return Float(float64(x.f + y.f))
}

func subtract(x, y Number) Number {
	if x.kind == integer && y.kind == integer {
		return wideFrom(x.i).plus(wideFrom(-y.i)).number()
	}
	if !bothKnown(x, y) {
		return Number{}
	}
	return Float(float64(x.f - y.f))
}

func multiply(x, y Number) Number {
	if x.kind == integer && y.kind == integer {
		a, negativeX := magnitude(x.i)
		b, negativeY := magnitude(y.i)
		hi, lo := bits.Mul64(a, b)
		return wide{hi, lo, negativeX != negativeY}.number()
	}
	if !bothKnown(x, y) {
		return Number{}
	}
	return Float(float64(x.f * y.f))
}

func divide(x, y Number) Number {
	if !bothKnown(x, y) || y.f == 0 {
		return Number{}
	}
	if x.kind == integer && y.kind == integer {
		b, negativeY := magnitude(y.i)
		quotient := wideFrom(x.i).over(b)
		if negativeY {
			quotient = -quotient
		}
		return Float(quotient)
	}
	return Float(float64(x.f / y.f))
}

func negative(x Number) Number {
	switch x.kind {
	case integer:
		return Int(-x.i)
	case double:
		return Float(-x.f)
	}
	return x
}

func abs(x Number) Number {
	if x.f < 0 {
		return negative(x)
	}
	if x.kind == double {
		return Float(math.Abs(x.f))
	}
	return x
}

func whole(f float64) Number {
	if f > -9223372036854775808.0 && f < 9223372036854775808.0 {
		return Int(int64(f))
	}
	return Float(f)
}

func floor(x Number) Number {
	if x.kind == double {
		return whole(math.Floor(x.f))
	}
	return x
}

func ceil(x Number) Number {
	if x.kind == double {
		return whole(math.Ceil(x.f))
	}
	return x
}

func round(x Number) Number {
	if x.kind == double {
		return whole(math.Round(x.f))
	}
	return x
}

func least(x, y Number) Number {
	if !bothKnown(x, y) {
		return Number{}
	}
	if compareNumbers(y, x) < 0 {
		return y
	}
	return x
}

func greatest(x, y Number) Number {
	if !bothKnown(x, y) {
		return Number{}
	}
	if compareNumbers(y, x) > 0 {
		return y
	}
	return x
}

// wide is an integer of up to 128 bits: sign and magnitude.
type wide struct {
	hi, lo   uint64
	negative bool
}

func magnitude(i int64) (uint64, bool) {
	if i < 0 {
		return uint64(-i), true
	}
	return uint64(i), false
}

func wideFrom(i int64) wide {
	lo, isNegative := magnitude(i)
	return wide{0, lo, isNegative}
}

func (a wide) plus(b wide) wide {
	if a.negative == b.negative {
		lo, carry := bits.Add64(a.lo, b.lo, 0)
		hi, _ := bits.Add64(a.hi, b.hi, carry)
		return wide{hi, lo, a.negative}
	}
	if a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo) {
		a, b = b, a
	}
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return wide{hi, lo, a.negative}
}

// number returns the integer where it fits 63 bits, else the nearest double.
func (a wide) number() Number {
	if a.hi == 0 && a.lo <= math.MaxInt64 {
		i := int64(a.lo)
		if a.negative {
			i = -i
		}
		return Int(i)
	}
	return Float(a.float(0))
}

// float returns the integer times 2 to the power of exponent, rounded once, to nearest even.
func (a wide) float(exponent int) float64 {
	top := a.lo
	if a.hi != 0 {
		shift := 64 - bits.LeadingZeros64(a.hi)
		exponent += shift
		top = a.hi<<(64-shift) | a.lo>>shift
		if a.lo<<(64-shift) != 0 {
			top |= 1
		}
	}
	result := math.Ldexp(float64(top), exponent)
	if a.negative {
		return -result
	}
	return result
}

// over returns the quotient by d, rounded once, to nearest even.
func (a wide) over(d uint64) float64 {
	exponent := 0
	length := 64 - bits.LeadingZeros64(a.lo)
	if a.hi != 0 {
		length = 128 - bits.LeadingZeros64(a.hi)
	}
	if shift := 64 - bits.LeadingZeros64(d) + 57 - length; shift > 0 {
		exponent = -shift
		if shift >= 64 {
			a.hi, a.lo = a.lo<<(shift-64), 0
		} else {
			a.hi, a.lo = a.hi<<shift|a.lo>>(64-shift), a.lo<<shift
		}
	}
	high := a.hi / d
	low, rest := bits.Div64(a.hi%d, a.lo, d)
	if rest != 0 {
		low |= 1
	}
	return wide{high, low, a.negative}.float(exponent)
}

// sum adds numbers up: exactly while all are integers, and as doubles from the first double on.
type sum struct {
	exact    wide
	f        float64
	count    uint64
	isDouble bool
}

func (s *sum) add(x Number) {
	if x.kind == missing {
		return
	}
	s.count++
	switch {
	case s.isDouble:
		s.f = float64(s.f + x.f)
	case x.kind == integer:
		s.exact = s.exact.plus(wideFrom(x.i))
	default:
		s.isDouble = true
		s.f = float64(s.exact.float(0) + x.f)
	}
}

func (s *sum) total() Number {
	switch {
	case s.count == 0:
		return Number{}
	case s.isDouble:
		return Float(s.f)
	}
	return s.exact.number()
}

func (s *sum) mean() Number {
	switch {
	case s.count == 0:
		return Number{}
	case s.isDouble:
		return Float(float64(s.f / float64(s.count)))
	}
	return Float(s.exact.over(s.count))
}

// Texts.

func textEquals(a, b Text) bool  { return a.known && b.known && a.s == b.s }
func textDiffers(a, b Text) bool { return a.known && b.known && a.s != b.s }

func contains(a, b Text) bool   { return a.known && b.known && strings.Contains(a.s, b.s) }
func startsWith(a, b Text) bool { return a.known && b.known && strings.HasPrefix(a.s, b.s) }
func endsWith(a, b Text) bool   { return a.known && b.known && strings.HasSuffix(a.s, b.s) }

// decode returns the first code point of s and its length. A surrogate counts as one, and so does a byte that is not
// UTF-8 (as itself, above all code points).
func decode(s string) (rune, int) {
	first := s[0]
	size, low, high := 0, byte(0x80), byte(0xBF)
	switch {
	case first < 0x80:
		return rune(first), 1
	case first >= 0xC2 && first <= 0xDF:
		size = 2
	case first >= 0xE0 && first <= 0xEF:
		size = 3
		if first == 0xE0 {
			low = 0xA0
		}
	case first >= 0xF0 && first <= 0xF4:
		size = 4
		if first == 0xF0 {
			low = 0x90
		}
		if first == 0xF4 {
			high = 0x8F
		}
	}
	if size == 0 || len(s) < size || s[1] < low || s[1] > high {
		return 0xDC00 + rune(first), 1
	}
	value := rune(first) & (0x7F >> size)
	for i := 1; i < size; i++ {
		if s[i]&0xC0 != 0x80 {
			return 0xDC00 + rune(first), 1
		}
		value = value<<6 | rune(s[i]&0x3F)
	}
	return value, size
}

func length(t Text) Number {
	if !t.known {
		return Number{}
	}
	count := int64(0)
	for s := t.s; s != ""; count++ {
		_, size := decode(s)
		s = s[size:]
	}
	return Int(count)
}

// searchable returns a text as patterns see it: what is not a code point is a question mark.
func searchable(s string) string {
	for rest := s; rest != ""; {
		c, size := decode(rest)
		if c >= 0xD800 && c <= 0xDFFF {
			return cleaned(s)
		}
		rest = rest[size:]
	}
	return s
}

func cleaned(s string) string {
	var out strings.Builder
	for s != "" {
		c, size := decode(s)
		if c >= 0xD800 && c <= 0xDFFF {
			out.WriteByte('?')
		} else {
			out.WriteString(s[:size])
		}
		s = s[size:]
	}
	return out.String()
}

// Percentage returns what share of whole part is, in percent.
func Percentage(part, whole Number) Number { return divide(multiply(Int(100), part), whole) }

// Difference returns x - y.
func Difference(x, y Number) Number { return subtract(x, y) }

// String returns the number as JSON has it, so that reading it back gives the same number.
func (n Number) String() string {
	switch n.kind {
	case integer:
		return strconv.FormatInt(n.i, 10)
	case double:
		text := strconv.FormatFloat(n.f, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	}
	return "null"
}

func isKnown(x Number) bool   { return x.kind != missing }
func isKnownText(t Text) bool { return t.known }
