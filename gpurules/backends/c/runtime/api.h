/* Decide all that a state decides, into *bound. The state must not change, nor go away, while *bound is in use. */
void gr_bind(gr_bound *bound, const gr_state *state);

/* Make *bound neutral: no transfer is held back, and every decision is marked as stale. */
void gr_neutral(gr_bound *bound);

/* Decide on a transfer; both may be NULL. Takes no lock and allocates nothing; any thread may call it. */
void gr_decide(const gr_bound *bound, const gr_transfer *transfer, const gr_workload *workload, gr_decision *decision);

/* Whether a rule is in a set. */
bool gr_has(const gr_rules *rules, int rule);

/* The name of a rule. */
const char *gr_rule_name(int rule);

/* Write the GPUs on which a rule holds for a transfer to found, at most capacity of them; return how many there are. */
size_t gr_devices(const gr_bound *bound, int rule, const gr_transfer *transfer, const gr_workload *workload,
                  gr_index *found, size_t capacity);

/* Write the names of the rules that match, and the GPUs on which they do, to text; return the length it needs. */
size_t gr_explain(const gr_bound *bound, const gr_transfer *transfer, const gr_workload *workload, char *text,
                  size_t capacity);
