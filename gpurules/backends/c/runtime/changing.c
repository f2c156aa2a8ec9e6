static bool gr_map_case(uint32_t *point, const gr_case_range *ranges, size_t count) {
    size_t low = 0, high = count;
    int32_t c = (int32_t)*point;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c < ranges[middle].first) {
            high = middle;
        } else if (c > ranges[middle].last) {
            low = middle + 1;
        } else {
            *point = (uint32_t)(c + ranges[middle].delta);
            return (c - ranges[middle].first) % ranges[middle].step == 0;
        }
    }
    return false;
}

static bool gr_in_ranges(uint32_t point, const gr_case_range *ranges, size_t count) {
    return gr_map_case(&point, ranges, count);
}

static size_t gr_encode(uint32_t c, char *to) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

#define GR_COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Whether a sigma at a place of a text ends a word. */
static bool gr_is_final(gr_text text, size_t at) {
    bool was = false;
    size_t size;
    for (size_t i = 0; i < at; i += size) {
        uint32_t c = gr_decode(text.data + i, text.length - i, &size);
        if (!gr_in_ranges(c, gr_case_ignorable, GR_COUNT(gr_case_ignorable))) {
            was = gr_in_ranges(c, gr_cased, GR_COUNT(gr_cased));
        }
    }
    for (size_t i = at + 2; was && i < text.length; i += size) {
        uint32_t c = gr_decode(text.data + i, text.length - i, &size);
        if (!gr_in_ranges(c, gr_case_ignorable, GR_COUNT(gr_case_ignorable))) {
            return !gr_in_ranges(c, gr_cased, GR_COUNT(gr_cased));
        }
    }
    return was;
}

static const char *gr_special(uint32_t c, const gr_case_special *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (table[i].point == c) {
            return table[i].text;
        }
    }
    return NULL;
}

/* A text in the other case, in the room that a decision has for that; missing, and the decision overlong, where it has
 * not enough of it. */
static gr_text gr_change_case(gr_context *c, gr_text text, bool is_lower) {
    size_t size, start = c->used;
    if (text.data == NULL) {
        return text;
    }
    for (size_t i = 0; i < text.length; i += size) {
        uint32_t point = gr_decode(text.data + i, text.length - i, &size);
        char encoded[4];
        const char *more = encoded;
        size_t length;
        if (point < 0x80) {
            encoded[0] = (char)(is_lower ? (point >= 'A' && point <= 'Z' ? point + 32 : point)
                                         : (point >= 'a' && point <= 'z' ? point - 32 : point));
            length = 1;
        } else {
            const char *special = is_lower ? gr_special(point, gr_to_lower_special, GR_COUNT(gr_to_lower_special))
                                           : gr_special(point, gr_to_upper_special, GR_COUNT(gr_to_upper_special));
            bool maps = is_lower ? gr_map_case(&point, gr_to_lower, GR_COUNT(gr_to_lower))
                                 : gr_map_case(&point, gr_to_upper, GR_COUNT(gr_to_upper));
            if (is_lower && special != NULL && text.data[i] == '\316' && text.data[i + 1] == '\243') {
                special = gr_is_final(text, i) ? "\317\202" : "\317\203";
            }
            if (special != NULL) {
                more = special;
                length = strlen(special);
            } else if (maps) {
                length = gr_encode(point, encoded);
            } else {
                more = text.data + i;
                length = size;
            }
        }
        if (sizeof c->room - c->used < length) {
            c->is_overlong = true;
            return (gr_text){NULL, 0};
        }
        memcpy(c->room + c->used, more, length);
        c->used += length;
    }
    return (gr_text){c->room + start, c->used - start};
}
