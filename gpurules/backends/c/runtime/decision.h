/* A set of rules. */
typedef struct {
    uint64_t words[GR_RULE_WORDS];
} gr_rules;

/* What a decision rests on: a state that is not stale; no state, or one of an agent that is silent (the decision is
 * neutral); what the agent's own rules, which are others, ask of the node; or nothing, while the agent has put its rules
 * out of force (the decision is neutral). */
typedef enum { GR_FRESH, GR_STALE, GR_OTHER_RULESET, GR_DISABLED } gr_basis;

/* Where a transfer is staged; area is NULL where the client chooses it, threshold is in bytes. */
typedef struct {
    const char *area;
    double threshold;
    const char *on_full;
    const char *rule;
} gr_stage;

/* What all matching rules together ask of a transfer. */
typedef struct {
    gr_rules matched;       /* without rules in shadow mode and those that a stop cuts off */
    double prefetch_factor; /* what is left of the prefetch: 1 all of it, 0 nothing */
    double delay;           /* how long the transfer waits, in seconds */
    double priority_boost;  /* added to the priority of the transfer */
    double max_bandwidth;   /* in bytes/second; 0: unlimited */
    int64_t max_concurrency; /* how many transfers run at once; 0: unlimited */
    const gr_stage *stage;  /* NULL where the transfer goes directly */
    double snapshot_time;   /* when the telemetry was read, in seconds since 1970 */
    gr_basis basis;
    bool paused;            /* the transfer waits until no rule pauses it */
    bool overlong;          /* a text was too long for a rule to look at it: that rule did not match */
} gr_decision;
