enum { GR_MISSING, GR_INTEGER, GR_DOUBLE };

#define GR_UNUSED __attribute__((unused))
#define GR_LITERAL(text) ((gr_text){(text), sizeof(text) - 1})

gr_number gr_int(int64_t value) {
    if (value == INT64_MIN) {
        return gr_float((double)value);
    }
    return (gr_number){(double)value, value, GR_INTEGER};
}

gr_number gr_float(double value) {
    if (!isfinite(value)) {
        return (gr_number){0, 0, GR_MISSING};
    }
    return (gr_number){value, 0, GR_DOUBLE};
}

gr_text gr_string(const char *value) {
    return (gr_text){value, value == NULL ? 0 : strlen(value)};
}

gr_truth gr_bool(bool value) {
    return value ? GR_TRUE : GR_FALSE;
}

gr_index gr_board(int64_t number) {
    return (gr_index){number, {NULL, 0}};
}

gr_index gr_instance(const char *name) {
    return (gr_index){-1, gr_string(name)};
}

GR_UNUSED static inline bool gr_is_known(gr_number x) {
    return x.kind != GR_MISSING;
}

GR_UNUSED static inline bool gr_is_known_text(gr_text x) {
    return x.data != NULL;
}

GR_UNUSED static inline gr_truth gr_truth_of(bool is_true, bool is_false) {
    return is_true ? GR_TRUE : is_false ? GR_FALSE : GR_UNKNOWN;
}

GR_UNUSED static inline gr_truth gr_not_truth(gr_truth a) {
    return (gr_truth)-a;
}

GR_UNUSED static inline gr_truth gr_and_truth(gr_truth a, gr_truth b) {
    return a < b ? a : b;
}

GR_UNUSED static inline gr_truth gr_or_truth(gr_truth a, gr_truth b) {
    return a > b ? a : b;
}

GR_UNUSED static inline gr_truth gr_equal_truth(gr_truth a, gr_truth b) {
    return (gr_truth)(a * b);
}

GR_UNUSED static inline gr_truth gr_coalesce_truth(gr_truth a, gr_truth b) {
    return a != GR_UNKNOWN ? a : b;
}

GR_UNUSED static inline gr_number gr_coalesce_number(gr_number a, gr_number b) {
    return gr_is_known(a) ? a : b;
}

GR_UNUSED static inline gr_text gr_coalesce_text(gr_text a, gr_text b) {
    return gr_is_known_text(a) ? a : b;
}

/* Comparisons with a constant below 2^53, for which the double decides. */

GR_UNUSED static inline bool gr_above(gr_number x, double limit) {
    return gr_is_known(x) && x.f > limit;
}

GR_UNUSED static inline bool gr_at_least(gr_number x, double limit) {
    return gr_is_known(x) && x.f >= limit;
}

GR_UNUSED static inline bool gr_below(gr_number x, double limit) {
    return gr_is_known(x) && x.f < limit;
}

GR_UNUSED static inline bool gr_at_most(gr_number x, double limit) {
    return gr_is_known(x) && x.f <= limit;
}

GR_UNUSED static inline bool gr_equals(gr_number x, double limit) {
    return gr_is_known(x) && x.f >= limit && x.f <= limit;
}

GR_UNUSED static inline bool gr_differs(gr_number x, double limit) {
    return gr_is_known(x) && (x.f < limit || x.f > limit);
}

/* Comparisons of two numbers, exact where one is an integer and the other a double. */

static int gr_compare_mixed(int64_t i, double f) {
    if (f >= 9223372036854775808.0) {
        return -1;
    }
    if (f < -9223372036854775808.0) {
        return 1;
    }
    double whole = trunc(f);
    int64_t w = (int64_t)whole;
    if (i != w) {
        return i > w ? 1 : -1;
    }
    return whole > f ? 1 : whole < f ? -1 : 0;
}

static int gr_compare(gr_number x, gr_number y) {
    if (x.kind == GR_INTEGER && y.kind == GR_INTEGER) {
        return x.i > y.i ? 1 : x.i < y.i ? -1 : 0;
    }
    if (x.kind == GR_INTEGER) {
        return gr_compare_mixed(x.i, y.f);
    }
    if (y.kind == GR_INTEGER) {
        return -gr_compare_mixed(y.i, x.f);
    }
    return x.f > y.f ? 1 : x.f < y.f ? -1 : 0;
}

GR_UNUSED static bool gr_both_known(gr_number x, gr_number y) {
    return gr_is_known(x) && gr_is_known(y);
}

GR_UNUSED static bool gr_number_above(gr_number x, gr_number y) {
    return gr_both_known(x, y) && gr_compare(x, y) > 0;
}

GR_UNUSED static bool gr_number_at_least(gr_number x, gr_number y) {
    return gr_both_known(x, y) && gr_compare(x, y) >= 0;
}

GR_UNUSED static bool gr_number_below(gr_number x, gr_number y) {
    return gr_both_known(x, y) && gr_compare(x, y) < 0;
}

GR_UNUSED static bool gr_number_at_most(gr_number x, gr_number y) {
    return gr_both_known(x, y) && gr_compare(x, y) <= 0;
}

GR_UNUSED static bool gr_number_equals(gr_number x, gr_number y) {
    return gr_both_known(x, y) && gr_compare(x, y) == 0;
}

GR_UNUSED static bool gr_number_differs(gr_number x, gr_number y) {
    return gr_both_known(x, y) && gr_compare(x, y) != 0;
}

/* An integer of up to 128 bits: sign and magnitude. */
typedef struct {
    uint64_t hi, lo;
    bool negative;
} gr_wide;

static int gr_bit_length(uint64_t value) {
    int length = 0;
    for (; value != 0; value >>= 1) {
        length++;
    }
    return length;
}

static gr_wide gr_wide_from(int64_t i) {
    return (gr_wide){0, i < 0 ? (uint64_t)-i : (uint64_t)i, i < 0};
}

static gr_wide gr_wide_plus(gr_wide a, gr_wide b) {
    if (a.negative == b.negative) {
        uint64_t lo = a.lo + b.lo;
        return (gr_wide){a.hi + b.hi + (lo < a.lo ? 1U : 0U), lo, a.negative};
    }
    if (a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo)) {
        gr_wide swapped = a;
        a = b;
        b = swapped;
    }
    return (gr_wide){a.hi - b.hi - (a.lo < b.lo ? 1U : 0U), a.lo - b.lo, a.negative};
}

/* The integer times 2 to the power of exponent, rounded once, to nearest even. */
static double gr_wide_float(gr_wide a, int exponent) {
    uint64_t top = a.lo;
    if (a.hi != 0) {
        int shift = gr_bit_length(a.hi);
        exponent += shift;
        if (shift == 64) {
            top = a.hi;
        } else {
            top = a.hi << (64 - shift) | a.lo >> shift;
        }
        if (shift == 64 ? a.lo != 0 : a.lo << (64 - shift) != 0) {
            top |= 1;
        }
    }
    double result = ldexp((double)top, exponent);
    return a.negative ? -result : result;
}

/* The integer where it fits 63 bits, else the nearest double. */
static gr_number gr_wide_number(gr_wide a) {
    if (a.hi == 0 && a.lo <= INT64_MAX) {
        return gr_int(a.negative ? -(int64_t)a.lo : (int64_t)a.lo);
    }
    return gr_float(gr_wide_float(a, 0));
}

/* The quotient by d, rounded once, to nearest even. */
static double gr_wide_over(gr_wide a, uint64_t d) {
    int exponent = 0;
    int length = a.hi != 0 ? 64 + gr_bit_length(a.hi) : gr_bit_length(a.lo);
    int shift = gr_bit_length(d) + 57 - length;
    if (shift > 0) {
        exponent = -shift;
        if (shift >= 64) {
            a.hi = a.lo << (shift - 64);
            a.lo = 0;
        } else {
            a.hi = a.hi << shift | a.lo >> (64 - shift);
            a.lo <<= shift;
        }
    }
    uint64_t high = a.hi / d, rest = a.hi % d, low = 0;
    for (int bit = 63; bit >= 0; bit--) {
        bool overflows = rest >> 63 != 0;
        rest = rest << 1 | (a.lo >> bit & 1);
        low <<= 1;
        if (overflows || rest >= d) {
            rest -= d;
            low |= 1;
        }
    }
    if (rest != 0) {
        low |= 1;
    }
    return gr_wide_float((gr_wide){high, low, a.negative}, exponent);
}

/* Arithmetic: exact on integers, missing where the result is not finite. */

GR_UNUSED static gr_number gr_add(gr_number x, gr_number y) {
    if (x.kind == GR_INTEGER && y.kind == GR_INTEGER) {
        return gr_wide_number(gr_wide_plus(gr_wide_from(x.i), gr_wide_from(y.i)));
    }
    return gr_both_known(x, y) ? gr_float(x.f + y.f) : (gr_number){0, 0, GR_MISSING};
}

GR_UNUSED static gr_number gr_subtract(gr_number x, gr_number y) {
    if (x.kind == GR_INTEGER && y.kind == GR_INTEGER) {
        return gr_wide_number(gr_wide_plus(gr_wide_from(x.i), gr_wide_from(-y.i)));
    }
    return gr_both_known(x, y) ? gr_float(x.f - y.f) : (gr_number){0, 0, GR_MISSING};
}

GR_UNUSED static gr_number gr_multiply(gr_number x, gr_number y) {
    if (x.kind == GR_INTEGER && y.kind == GR_INTEGER) {
        uint64_t a = gr_wide_from(x.i).lo, b = gr_wide_from(y.i).lo;
        uint64_t a_lo = a & UINT32_MAX, a_hi = a >> 32, b_lo = b & UINT32_MAX, b_hi = b >> 32;
        uint64_t middle = a_hi * b_lo + (a_lo * b_lo >> 32);
        uint64_t other = a_lo * b_hi + (middle & UINT32_MAX);
        uint64_t hi = a_hi * b_hi + (middle >> 32) + (other >> 32);
        return gr_wide_number((gr_wide){hi, a * b, (x.i < 0) != (y.i < 0)});
    }
    return gr_both_known(x, y) ? gr_float(x.f * y.f) : (gr_number){0, 0, GR_MISSING};
}

GR_UNUSED static gr_number gr_divide(gr_number x, gr_number y) {
    if (!gr_both_known(x, y) || !gr_differs(y, 0)) {
        return (gr_number){0, 0, GR_MISSING};
    }
    if (x.kind == GR_INTEGER && y.kind == GR_INTEGER) {
        double quotient = gr_wide_over(gr_wide_from(x.i), gr_wide_from(y.i).lo);
        return gr_float(y.i < 0 ? -quotient : quotient);
    }
    return gr_float(x.f / y.f);
}

GR_UNUSED static gr_number gr_negative(gr_number x) {
    return x.kind == GR_INTEGER ? gr_int(-x.i) : x.kind == GR_DOUBLE ? gr_float(-x.f) : x;
}

GR_UNUSED static gr_number gr_abs(gr_number x) {
    return x.kind == GR_INTEGER ? gr_int(x.i < 0 ? -x.i : x.i) : x.kind == GR_DOUBLE ? gr_float(fabs(x.f)) : x;
}

static gr_number gr_whole(double f) {
    if (f > -9223372036854775808.0 && f < 9223372036854775808.0) {
        return gr_int((int64_t)f);
    }
    return gr_float(f);
}

GR_UNUSED static gr_number gr_floor(gr_number x) {
    return x.kind == GR_DOUBLE ? gr_whole(floor(x.f)) : x;
}

GR_UNUSED static gr_number gr_ceil(gr_number x) {
    return x.kind == GR_DOUBLE ? gr_whole(ceil(x.f)) : x;
}

GR_UNUSED static gr_number gr_round(gr_number x) {
    return x.kind == GR_DOUBLE ? gr_whole(round(x.f)) : x;
}

GR_UNUSED static gr_number gr_least(gr_number x, gr_number y) {
    if (!gr_both_known(x, y)) {
        return (gr_number){0, 0, GR_MISSING};
    }
    return gr_compare(y, x) < 0 ? y : x;
}

GR_UNUSED static gr_number gr_greatest(gr_number x, gr_number y) {
    if (!gr_both_known(x, y)) {
        return (gr_number){0, 0, GR_MISSING};
    }
    return gr_compare(y, x) > 0 ? y : x;
}

/* Adds numbers up: exactly while all are integers, and as doubles from the first double on. */
typedef struct {
    gr_wide exact;
    double f;
    uint64_t count;
    bool is_double;
} gr_sum;

GR_UNUSED static void gr_sum_add(gr_sum *sum, gr_number x) {
    if (!gr_is_known(x)) {
        return;
    }
    sum->count++;
    if (sum->is_double) {
        sum->f += x.f;
    } else if (x.kind == GR_INTEGER) {
        sum->exact = gr_wide_plus(sum->exact, gr_wide_from(x.i));
    } else {
        sum->is_double = true;
        sum->f = gr_wide_float(sum->exact, 0) + x.f;
    }
}

GR_UNUSED static gr_number gr_sum_total(const gr_sum *sum) {
    if (sum->count == 0) {
        return (gr_number){0, 0, GR_MISSING};
    }
    return sum->is_double ? gr_float(sum->f) : gr_wide_number(sum->exact);
}

GR_UNUSED static gr_number gr_sum_mean(const gr_sum *sum) {
    if (sum->count == 0) {
        return (gr_number){0, 0, GR_MISSING};
    }
    return gr_float(sum->is_double ? sum->f / (double)sum->count : gr_wide_over(sum->exact, sum->count));
}

/* Texts. */

GR_UNUSED static inline bool gr_same(gr_text a, gr_text b) {
    return a.length == b.length && memcmp(a.data, b.data, b.length) == 0; /* b is mostly a constant */
}

GR_UNUSED static inline bool gr_text_equals(gr_text a, gr_text b) {
    return a.data != NULL && b.data != NULL && gr_same(a, b);
}

GR_UNUSED static inline bool gr_text_differs(gr_text a, gr_text b) {
    return a.data != NULL && b.data != NULL && !gr_same(a, b);
}

GR_UNUSED static bool gr_contains(gr_text a, gr_text b) {
    if (a.data == NULL || b.data == NULL) {
        return false;
    }
    for (size_t i = 0; i + b.length <= a.length; i++) {
        if (memcmp(a.data + i, b.data, b.length) == 0) {
            return true;
        }
    }
    return false;
}

GR_UNUSED static bool gr_starts_with(gr_text a, gr_text b) {
    return a.data != NULL && b.data != NULL && a.length >= b.length && memcmp(a.data, b.data, b.length) == 0;
}

GR_UNUSED static bool gr_ends_with(gr_text a, gr_text b) {
    return a.data != NULL && b.data != NULL && a.length >= b.length &&
           memcmp(a.data + a.length - b.length, b.data, b.length) == 0;
}

/* The first code point of a text that is not empty, and its length. A surrogate counts as one, and so does a byte that
 * is not UTF-8, as a surrogate. */
static uint32_t gr_decode(const char *text, size_t length, size_t *size) {
    uint8_t first = (uint8_t)text[0], low = 0x80, high = 0xBF;
    size_t n = 0;
    *size = 1;
    if (first < 0x80) {
        return first;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        n = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        n = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
    } else if (first >= 0xF0 && first <= 0xF4) {
        n = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    }
    if (n == 0 || length < n || (uint8_t)text[1] < low || (uint8_t)text[1] > high) {
        return 0xDC00U + first;
    }
    uint32_t value = first & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        uint8_t next = (uint8_t)text[i];
        if ((next & 0xC0) != 0x80) {
            return 0xDC00U + first;
        }
        value = value << 6 | (next & 0x3FU);
    }
    *size = n;
    return value;
}

GR_UNUSED static gr_number gr_length(gr_text text) {
    if (text.data == NULL) {
        return (gr_number){0, 0, GR_MISSING};
    }
    int64_t count = 0;
    size_t size;
    for (size_t i = 0; i < text.length; i += size) {
        (void)gr_decode(text.data + i, text.length - i, &size);
        count++;
    }
    return gr_int(count);
}

/* One step of a glob: a set of code points (with none excluded: any), or a star. */
typedef struct {
    bool is_star, negated;
    uint16_t count;
    const uint32_t *ranges;
} gr_glob_step;

static bool gr_glob_admits(const gr_glob_step *step, uint32_t c) {
    for (size_t i = 0; i < step->count; i++) {
        if (step->ranges[2 * i] <= c && c <= step->ranges[2 * i + 1]) {
            return !step->negated;
        }
    }
    return step->negated;
}

/* Whether the steps cover a whole text. It goes back to the last star only, so that the time is bounded by the product
 * of both lengths. */
GR_UNUSED static bool gr_glob(const gr_glob_step *steps, size_t count, gr_text text) {
    if (text.data == NULL) {
        return false;
    }
    size_t at = 0, i = 0, star = SIZE_MAX, resume = 0, size;
    while (i < text.length) {
        uint32_t c = gr_decode(text.data + i, text.length - i, &size);
        if (at < count && steps[at].is_star) {
            star = at++;
            resume = i;
        } else if (at < count && gr_glob_admits(&steps[at], c)) {
            at++;
            i += size;
        } else if (star != SIZE_MAX) {
            (void)gr_decode(text.data + resume, text.length - resume, &size);
            resume += size;
            i = resume;
            at = star + 1;
        } else {
            return false;
        }
    }
    while (at < count && steps[at].is_star) {
        at++;
    }
    return at == count;
}

/* An automaton over bytes: the class of each byte, and for each state and class the next state. State 0 is dead. */
typedef struct {
    const uint8_t *classes;
    const uint16_t *next;
    const uint8_t *accepts;
    uint16_t class_count, start;
} gr_automaton;

/* Whether the pattern is found in a text; what is not a code point is seen as a question mark. */
GR_UNUSED static bool gr_found(const gr_automaton *a, gr_text text) {
    if (text.data == NULL) {
        return false;
    }
    unsigned state = a->start;
    size_t size;
    for (size_t i = 0; i < text.length && state != 0; i += size) {
        uint32_t c = gr_decode(text.data + i, text.length - i, &size);
        if (c >= 0xD800 && c <= 0xDFFF) {
            state = a->next[state * a->class_count + a->classes['?']];
            continue;
        }
        for (size_t k = 0; k < size && state != 0; k++) {
            state = a->next[state * a->class_count + a->classes[(uint8_t)text.data[i + k]]];
        }
    }
    return a->accepts[state] != 0;
}
