package rules

import "strings"

// caseRange maps each step-th code point from first to last by adding delta.
type caseRange struct {
	first, last, step, delta int32
}

func mapCase(c rune, ranges []caseRange) (rune, bool) {
	low, high := 0, len(ranges)
	for low < high {
		middle := (low + high) / 2
		r := ranges[middle]
		switch {
		case c < r.first:
			high = middle
		case c > r.last:
			low = middle + 1
		default:
			return c + r.delta, (c-r.first)%r.step == 0
		}
	}
	return c, false
}

func inRanges(c rune, ranges []caseRange) bool {
	_, is := mapCase(c, ranges)
	return is
}

func write(out *strings.Builder, c rune, as string) {
	if 0xDC80 <= c && c <= 0xDCFF && len(as) == 1 {
		out.WriteString(as) // a byte that is not UTF-8 stays what it is
	} else if 0xD800 <= c && c <= 0xDFFF {
		out.WriteString(as)
	} else {
		out.WriteRune(c)
	}
}

func changeCase(s string, ranges []caseRange, special map[rune]string) string {
	var out strings.Builder
	before := s
	for rest := s; rest != ""; {
		c, size := decode(rest)
		if c == 'Σ' && len(cased) > 0 && special['Σ'] != "" {
			if isFinal(before[:len(before)-len(rest)], rest[size:]) {
				out.WriteString("ς")
			} else {
				out.WriteString("σ")
			}
		} else if as, ok := special[c]; ok {
			out.WriteString(as)
		} else if to, ok := mapCase(c, ranges); ok {
			out.WriteRune(to)
		} else {
			write(&out, c, rest[:size])
		}
		rest = rest[size:]
	}
	return out.String()
}

// isFinal reports whether a sigma between two texts ends a word.
func isFinal(before, after string) bool {
	was := false
	for before != "" {
		c, size := decode(before)
		if !inRanges(c, caseIgnorable) {
			was = inRanges(c, cased)
		}
		before = before[size:]
	}
	if !was {
		return false
	}
	for after != "" {
		c, size := decode(after)
		if !inRanges(c, caseIgnorable) {
			return !inRanges(c, cased)
		}
		after = after[size:]
	}
	return true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func lower(t Text) Text {
	if isASCII(t.s) {
		return Text{strings.ToLower(t.s), t.known}
	}
	return Text{changeCase(t.s, toLower, toLowerSpecial), t.known}
}

func upper(t Text) Text {
	if isASCII(t.s) {
		return Text{strings.ToUpper(t.s), t.known}
	}
	return Text{changeCase(t.s, toUpper, toUpperSpecial), t.known}
}
