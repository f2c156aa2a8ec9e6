package rules

import "strings"

const detectable = 4096 // code points of a path that are looked at

// truncated returns the part of a path that its type is read from.
func truncated(path string) string {
	if len(path) <= detectable {
		return path
	}
	at := 0
	for count := 0; at < len(path) && count < detectable; count++ {
		_, size := decode(path[at:])
		at += size
	}
	return path[:at]
}

// baseName returns the last part of a path; the query and fragment of a URL are left out.
func baseName(path string) string {
	if strings.Contains(path, "://") {
		if at := strings.IndexByte(path, '?'); at >= 0 {
			path = path[:at]
		}
		if at := strings.IndexByte(path, '#'); at >= 0 {
			path = path[:at]
		}
	}
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

const kelvin = "\u212a" // the one letter outside ASCII that is a single letter of ASCII in lower case

// lowerASCII writes text in lower case to buffer; it reports false where the result is not ASCII or does not fit.
func lowerASCII(buffer []byte, text string) (int, bool) {
	n := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c >= 0x80:
			if !strings.HasPrefix(text[i:], kelvin) {
				return 0, false
			}
			c = 'k'
			i += len(kelvin) - 1
		}
		if n == len(buffer) {
			return 0, false
		}
		buffer[n] = c
		n++
	}
	return n, true
}

// bySuffix returns what a table says of the longest suffix of a file name that it knows.
func bySuffix(name string, table func(suffix []byte) string) string {
	var buffer [longestSuffix]byte
	for at := 1; at < len(name); at++ {
		if name[at] != '.' {
			continue
		}
		if n, fits := lowerASCII(buffer[:], name[at:]); fits {
			if found := table(buffer[:n]); found != "" {
				return found
			}
		}
	}
	return ""
}

// bySegment returns what a table says of the last folder of a path that it knows.
func bySegment(path string, table func(segment []byte) string) string {
	var buffer [longestSuffix]byte
	for end := strings.LastIndexByte(path, '/'); end >= 0; {
		start := strings.LastIndexByte(path[:end], '/')
		if n, fits := lowerASCII(buffer[:], path[start+1:end]); fits {
			if found := table(buffer[:n]); found != "" {
				return found
			}
		}
		end = start
	}
	return ""
}
