package rules

// globStep is one step of a glob: a code point, "?", "*" or a set.
type globStep struct {
	kind    uint8
	negated bool
	ranges  []rune // pairs: first and last of each range
}

const (
	globSet uint8 = iota
	globAny
	globStar
)

func runes(s string) []rune {
	var found []rune
	for s != "" {
		c, size := decode(s)
		found = append(found, c)
		s = s[size:]
	}
	return found
}

// compileGlob returns the steps of a glob in the syntax of Python's fnmatch.
func compileGlob(text string) []globStep {
	pattern := runes(text)
	var steps []globStep
	for i := 0; i < len(pattern); {
		c := pattern[i]
		i++
		switch c {
		case '*':
			if len(steps) == 0 || steps[len(steps)-1].kind != globStar {
				steps = append(steps, globStep{kind: globStar})
			}
		case '?':
			steps = append(steps, globStep{kind: globAny})
		case '[':
			if end := globEnd(pattern, i); end < len(pattern) {
				steps = append(steps, globStepOf(pattern[i:end]))
				i = end + 1
				continue
			}
			fallthrough
		default:
			steps = append(steps, globStep{ranges: []rune{c, c}})
		}
	}
	return steps
}

func globEnd(pattern []rune, at int) int {
	if at < len(pattern) && pattern[at] == '!' {
		at++
	}
	if at < len(pattern) && pattern[at] == ']' {
		at++
	}
	for at < len(pattern) && pattern[at] != ']' {
		at++
	}
	return at
}

// globStepOf returns the set that is between brackets, as fnmatch reads it; a range that is empty is left out.
func globStepOf(inner []rune) globStep {
	chunks := globChunks(inner)
	step := globStep{negated: len(chunks[0]) > 0 && chunks[0][0] == '!'}
	if step.negated {
		chunks[0] = chunks[0][1:]
	}
	add := func(first, last rune) { step.ranges = append(step.ranges, first, last) }
	isLinked := false
	for k, chunk := range chunks {
		if k > 0 && !isLinked {
			add('-', '-')
		}
		if isLinked {
			chunk = chunk[1:]
		}
		isLinked = len(chunk) > 0 && k+1 < len(chunks)
		for i, c := range chunk {
			if isLinked && i == len(chunk)-1 {
				add(c, chunks[k+1][0])
			} else {
				add(c, c)
			}
		}
	}
	if step.negated && len(step.ranges) == 0 {
		return globStep{kind: globAny}
	}
	return step
}

// globChunks cuts what is between brackets where a hyphen makes a range.
func globChunks(inner []rune) [][]rune {
	find := func(from int) int {
		for i := from; i < len(inner); i++ {
			if inner[i] == '-' {
				return i
			}
		}
		return -1
	}
	var chunks [][]rune
	start, k := 0, 1
	if inner[0] == '!' {
		k = 2
	}
	for k = find(k); k >= 0; k = find(k + 3) {
		chunks = append(chunks, inner[start:k])
		start = k + 1
	}
	if start < len(inner) {
		chunks = append(chunks, inner[start:])
	} else {
		last := len(chunks) - 1
		chunks[last] = append(append([]rune{}, chunks[last]...), '-')
	}
	for k := len(chunks) - 1; k > 0; k-- {
		before, after := chunks[k-1], chunks[k]
		if before[len(before)-1] > after[0] {
			joined := append(append([]rune{}, before[:len(before)-1]...), after[1:]...)
			chunks = append(append(chunks[:k-1:k-1], joined), chunks[k+1:]...)
		}
	}
	return chunks
}

func (step *globStep) admits(c rune) bool {
	if step.kind == globAny {
		return true
	}
	for i := 0; i < len(step.ranges); i += 2 {
		if step.ranges[i] <= c && c <= step.ranges[i+1] {
			return !step.negated
		}
	}
	return step.negated
}

// matchGlob reports whether the steps cover a whole text. It goes back to the last star only, so that the time is
// bounded by the product of both lengths.
func matchGlob(steps []globStep, t Text) bool {
	if !t.known {
		return false
	}
	s, at := t.s, 0
	star, resume := -1, ""
	for s != "" {
		c, size := decode(s)
		switch {
		case at < len(steps) && steps[at].kind == globStar:
			star, resume = at, s
			at++
		case at < len(steps) && steps[at].admits(c):
			at++
			s = s[size:]
		case star >= 0:
			_, size = decode(resume)
			resume = resume[size:]
			s, at = resume, star+1
		default:
			return false
		}
	}
	for at < len(steps) && steps[at].kind == globStar {
		at++
	}
	return at == len(steps)
}

func globs(t, pattern Text) bool {
	return t.known && pattern.known && matchGlob(compileGlob(pattern.s), t)
}

func globsNot(t, pattern Text) bool {
	return t.known && pattern.known && !matchGlob(compileGlob(pattern.s), t)
}
