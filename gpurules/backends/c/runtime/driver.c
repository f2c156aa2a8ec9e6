/* Reads lines of a state (a slot of a state file, in hexadecimal), a transfer and a workload, separated by tabs; the last
 * two are name=value pairs separated by blanks. A value is true, false, i and an integer, f and a double, or t and the
 * bytes of a text in hexadecimal. Writes a decision a line, as JSON. */

static int gr_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Turn hexadecimal into bytes, in place; return how many, or SIZE_MAX where it is not hexadecimal. */
static size_t gr_unhex(char *text, size_t length) {
    for (size_t i = 0; i + 1 < length; i += 2) {
        int high = gr_digit(text[i]), low = gr_digit(text[i + 1]);
        if (high < 0 || low < 0) {
            return SIZE_MAX;
        }
        text[i / 2] = (char)(high << 4 | low);
    }
    return length % 2 == 0 ? length / 2 : SIZE_MAX;
}

typedef struct {
    gr_number number;
    gr_text text;
    gr_truth truth;
} gr_value;

static gr_value gr_value_of(char *text) {
    gr_value value = {{0, 0, 0}, {NULL, 0}, GR_UNKNOWN};
    size_t length = strlen(text);
    switch (text[0]) {
    case 'i':
        value.number = gr_int(strtoll(text + 1, NULL, 10));
        break;
    case 'f':
        if (text[1] != '\0') {
            value.truth = strcmp(text, "false") == 0 ? GR_FALSE : GR_UNKNOWN;
            value.number = value.truth == GR_FALSE ? value.number : gr_float(strtod(text + 1, NULL));
        }
        break;
    case 't':
        if (strcmp(text, "true") == 0) {
            value.truth = GR_TRUE;
        } else {
            size_t size = gr_unhex(text + 1, length - 1);
            value.text = size == SIZE_MAX ? value.text : (gr_text){text + 1, size};
        }
        break;
    default:
        break;
    }
    return value;
}

typedef void gr_setter(const char *name, gr_value value, void *facts);

static void gr_read_facts(char *line, gr_setter *set, void *facts) {
    for (char *rest = NULL, *part = strtok_r(line, " ", &rest); part != NULL; part = strtok_r(NULL, " ", &rest)) {
        char *sign = strchr(part, '=');
        if (sign != NULL) {
            *sign = '\0';
            set(part, gr_value_of(sign + 1), facts);
        }
    }
}

static void gr_print_text(const char *text, size_t length) {
    (void)putchar('"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            (void)printf("\\u%04x", c);
        } else {
            (void)putchar(c);
        }
    }
    (void)putchar('"');
}

static void gr_print_known(const char *name, double value) {
    if (value > 0) {
        (void)printf(", \"%s\": %.17g", name, value);
    } else {
        (void)printf(", \"%s\": null", name);
    }
}

static void gr_print_decision(const gr_bound *bound, const gr_transfer *t, const gr_workload *w) {
    gr_decision d;
    static gr_index found[GR_MAX_GPUS];
    const char *comma = "";
    gr_decide(bound, t, w, &d);
    (void)printf("{\"matched\": [");
    for (int rule = 0; rule < GR_RULE_COUNT; rule++) {
        if (!gr_has(&d.matched, rule)) {
            continue;
        }
        (void)printf("%s{\"rule\": ", comma);
        gr_print_text(gr_rule_name(rule), strlen(gr_rule_name(rule)));
        (void)printf(", \"devices\": [");
        size_t count = gr_devices(bound, rule, t, w, found, GR_MAX_GPUS);
        for (size_t i = 0; i < count; i++) {
            (void)printf(i == 0 ? "" : ", ");
            if (found[i].name.data == NULL) {
                (void)printf("%lld", (long long)found[i].number);
            } else {
                gr_print_text(found[i].name.data, found[i].name.length);
            }
        }
        (void)printf("]}");
        comma = ", ";
    }
    (void)printf("], \"prefetch_factor\": %.17g, \"delay\": %.17g", d.prefetch_factor, d.delay);
    (void)printf(", \"priority_boost\": %.17g, \"stage\": ", d.priority_boost);
    if (d.stage == NULL) {
        (void)printf("null");
    } else {
        (void)printf("{\"threshold\": %.17g, \"area\": ", d.stage->threshold);
        if (d.stage->area == NULL) {
            (void)printf("null");
        } else {
            gr_print_text(d.stage->area, strlen(d.stage->area));
        }
        (void)printf(", \"on_full\": \"%s\", \"rule\": ", d.stage->on_full);
        gr_print_text(d.stage->rule, strlen(d.stage->rule));
        (void)printf("}");
    }
    gr_print_known("max_bandwidth", d.max_bandwidth);
    gr_print_known("max_concurrency", (double)d.max_concurrency);
    (void)printf(", \"paused\": %s, \"snapshot_time\": %.17g", d.paused ? "true" : "false", d.snapshot_time);
    (void)printf(", \"stale\": %s, \"ruleset_version\": \"" GR_VERSION "\"", d.basis == GR_STALE ? "true" : "false");
    (void)printf("%s}\n", d.overlong ? ", \"overlong\": true" : "");
}

int main(void) {
    static gr_state state;
    static gr_bound bound;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        char *rest = NULL, empty[1] = "";
        gr_transfer transfer;
        gr_owned workload;
        line[strcspn(line, "\n")] = '\0';
        char *slot = line, *tab = strchr(line, '\t');
        rest = tab == NULL ? empty : tab + 1;
        if (tab != NULL) {
            *tab = '\0';
        }
        char *second = rest;
        tab = strchr(rest, '\t');
        char *third = tab == NULL ? empty : tab + 1;
        if (tab != NULL) {
            *tab = '\0';
        }
        memset(&transfer, 0, sizeof transfer);
        memset(&workload, 0, sizeof workload);
        size_t size = gr_unhex(slot, strlen(slot));
        if (size == SIZE_MAX || !gr_decode_slot(&state, slot, size)) {
            (void)printf("{\"error\": \"the state is not a slot of a state file of this ruleset\"}\n");
            continue;
        }
        gr_read_facts(second, gr_set_transfer, &transfer);
        gr_read_facts(third, gr_set_workload, &workload);
        workload.facts.gpus = workload.gpus;
        gr_bind(&bound, &state);
        gr_print_decision(&bound, &transfer, &workload.facts);
    }
    free(line);
    return 0;
}
