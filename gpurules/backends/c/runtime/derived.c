/* The part of a path that its type is read from: 4096 code points. */
GR_UNUSED static gr_text gr_truncated(gr_text path) {
    size_t at = 0, size;
    if (path.length <= 4096) {
        return path;
    }
    for (int count = 0; at < path.length && count < 4096; count++) {
        (void)gr_decode(path.data + at, path.length - at, &size);
        at += size;
    }
    return (gr_text){path.data, at};
}

GR_UNUSED static size_t gr_find(gr_text text, char c, size_t missing) {
    const char *found = text.length == 0 ? NULL : memchr(text.data, c, text.length);
    return found == NULL ? missing : (size_t)(found - text.data);
}

/* The last part of a path; the query and fragment of a URL are left out. */
GR_UNUSED static gr_text gr_base_name(gr_text path) {
    if (path.data == NULL) {
        return path;
    }
    if (gr_contains(path, GR_LITERAL("://"))) {
        path.length = gr_find(path, '?', path.length);
        path.length = gr_find(path, '#', path.length);
    }
    while (path.length > 0 && path.data[path.length - 1] == '/') {
        path.length--;
    }
    size_t start = path.length;
    while (start > 0 && path.data[start - 1] != '/') {
        start--;
    }
    return (gr_text){path.data + start, path.length - start};
}

/* Write text in lower case to buffer; false where the result is not ASCII or does not fit. The Kelvin sign is the one
 * letter outside ASCII that is a single letter of ASCII in lower case. */
GR_UNUSED static bool gr_lower_ascii(char *buffer, size_t capacity, gr_text text, size_t *length) {
    *length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c + ('a' - 'A'));
        } else if ((unsigned char)c >= 0x80) {
            if (text.length - i < 3 || memcmp(text.data + i, "\342\204\252", 3) != 0) {
                return false;
            }
            c = 'k';
            i += 2;
        }
        if (*length == capacity) {
            return false;
        }
        buffer[(*length)++] = c;
    }
    return true;
}

typedef const char *gr_table(const char *key, size_t length);

/* What a table says of the longest suffix of a file name that it knows. */
GR_UNUSED static const char *gr_by_suffix(gr_text name, gr_table *table) {
    char buffer[GR_LONGEST_SUFFIX];
    size_t length;
    for (size_t at = 1; at < name.length; at++) {
        gr_text suffix = {name.data + at, name.length - at};
        if (name.data[at] == '.' && gr_lower_ascii(buffer, sizeof buffer, suffix, &length)) {
            const char *found = table(buffer, length);
            if (found != NULL) {
                return found;
            }
        }
    }
    return NULL;
}

/* What a table says of the last folder of a path that it knows. */
GR_UNUSED static const char *gr_by_segment(gr_text path, gr_table *table) {
    char buffer[GR_LONGEST_SUFFIX];
    size_t length, end = path.length;
    while (end > 0 && path.data[end - 1] != '/') {
        end--;
    }
    while (end > 0) {
        size_t start = --end;
        while (start > 0 && path.data[start - 1] != '/') {
            start--;
        }
        if (gr_lower_ascii(buffer, sizeof buffer, (gr_text){path.data + start, end - start}, &length)) {
            const char *found = table(buffer, length);
            if (found != NULL) {
                return found;
            }
        }
        end = start;
    }
    return NULL;
}
