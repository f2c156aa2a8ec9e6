/* Maps each step-th code point from first to last by adding delta. */
typedef struct {
    int32_t first, last, step, delta;
} gr_case_range;

/* A code point that changes into several. */
typedef struct {
    uint32_t point;
    const char *text;
} gr_case_special;
