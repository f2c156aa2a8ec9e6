static const gr_transfer gr_no_transfer;
static const gr_workload gr_no_workload;

/* Whether a GPU is one of the workload's own. */
GR_UNUSED static bool gr_uses(const gr_workload *w, gr_index index) {
    for (size_t i = 0; i < w->gpu_count; i++) {
        gr_index own = w->gpus[i];
        if (own.name.data == NULL ? index.name.data == NULL && own.number == index.number
                                  : gr_text_equals(own.name, index.name)) {
            return true;
        }
    }
    return false;
}

GR_UNUSED static double gr_age_of(gr_number since, gr_number now) {
    return gr_is_known(since) && now.f > since.f ? now.f - since.f : 0;
}

GR_UNUSED static gr_number gr_time_since(gr_number since, gr_number now) {
    if (!gr_is_known(since)) {
        return since;
    }
    gr_number age = gr_subtract(now, since);
    return gr_is_known(age) && !(age.f > 0) ? gr_float(0) : age;
}

GR_UNUSED static void gr_set(gr_rules *rules, unsigned rule) {
    rules->words[rule >> 6] |= UINT64_C(1) << (rule & 63);
}

bool gr_has(const gr_rules *rules, int rule) {
    return rule >= 0 && rule < GR_RULE_COUNT && (rules->words[rule >> 6] >> (rule & 63) & 1) != 0;
}

GR_UNUSED static bool gr_same_rules(const gr_rules *a, const gr_rules *b) {
    uint64_t difference = 0;
    for (size_t i = 0; i < GR_RULE_WORDS; i++) {
        difference |= a->words[i] ^ b->words[i];
    }
    return difference == 0;
}

GR_UNUSED static unsigned gr_first_bit(uint64_t word) {
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(word);
#else
    unsigned n = 0;
    while ((word >> n & 1) == 0) {
        n++;
    }
    return n;
#endif
}

void gr_neutral(gr_bound *bound) {
    static const gr_state nothing;
    memset(bound, 0, sizeof *bound);
    bound->state = &nothing;
    bound->start.prefetch_factor = 1;
    bound->start.basis = GR_STALE;
    bound->settled = bound->start;
}
