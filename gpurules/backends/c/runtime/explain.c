const char *gr_rule_name(int rule) {
    return rule >= 0 && rule < GR_RULE_COUNT ? gr_rule_names[rule] : NULL;
}

size_t gr_devices(const gr_bound *bound, int rule, const gr_transfer *transfer, const gr_workload *workload,
                  gr_index *found, size_t capacity) {
    gr_context context = gr_context_of(bound, transfer, workload);
    size_t count = 0;
    for (size_t i = 0; i < bound->state->gpus_length; i++) {
        if (gr_on_gpu(&context, rule, &bound->state->gpus[i])) {
            if (count < capacity) {
                found[count] = bound->state->gpus[i].index;
            }
            count++;
        }
    }
    return count;
}

static void gr_append(char *text, size_t capacity, size_t *length, const char *more, size_t size) {
    for (size_t i = 0; i < size; i++, ++*length) {
        if (*length + 1 < capacity) {
            text[*length] = more[i];
        }
    }
}

size_t gr_explain(const gr_bound *bound, const gr_transfer *transfer, const gr_workload *workload, char *text,
                  size_t capacity) {
    gr_decision decision;
    gr_context context = gr_context_of(bound, transfer, workload);
    size_t length = 0;
    gr_decide(bound, transfer, workload, &decision);
    for (int rule = 0; rule < GR_RULE_COUNT; rule++) {
        if (!gr_has(&decision.matched, rule)) {
            continue;
        }
        gr_append(text, capacity, &length, gr_rule_names[rule], strlen(gr_rule_names[rule]));
        const char *word = " on GPU ";
        for (size_t i = 0; i < bound->state->gpus_length; i++) {
            gr_index index = bound->state->gpus[i].index;
            if (!gr_on_gpu(&context, rule, &bound->state->gpus[i])) {
                continue;
            }
            char number[32];
            int size = snprintf(number, sizeof number, "%lld", (long long)index.number);
            gr_append(text, capacity, &length, word, strlen(word));
            if (index.name.data != NULL) {
                gr_append(text, capacity, &length, index.name.data, index.name.length);
            } else {
                gr_append(text, capacity, &length, number, (size_t)size);
            }
            word = ", ";
        }
        gr_append(text, capacity, &length, "\n", 1);
    }
    if (capacity > 0) {
        text[length < capacity ? length : capacity - 1] = '\0';
    }
    return length;
}
