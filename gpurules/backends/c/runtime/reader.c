enum {
    GR_LAYOUT_VERSION = 1,
    GR_HEADER_SIZE = 256,
    GR_SEQUENCE_WORD = 11,
    GR_CLOSED_WORD = 12,
    GR_FIXED_WORDS = 22,
    GR_MAX_SLOT = 1 << 24,
    GR_MAX_ATTEMPTS = 64
};

static _Thread_local sigjmp_buf *gr_escape;
static struct sigaction gr_previous;
static bool gr_is_guarded;

static void gr_on_bus_error(int number, siginfo_t *info, void *context) {
    if (gr_escape != NULL) {
        siglongjmp(*gr_escape, 1);
    }
    if ((gr_previous.sa_flags & SA_SIGINFO) != 0 && gr_previous.sa_sigaction != NULL) {
        gr_previous.sa_sigaction(number, info, context);
    } else if (gr_previous.sa_handler != SIG_DFL && gr_previous.sa_handler != SIG_IGN) {
        gr_previous.sa_handler(number);
    } else {
        (void)sigaction(SIGBUS, &gr_previous, NULL); /* the access is repeated, and ends the process */
    }
}

void gr_reader_guard(void) {
    struct sigaction action;
    if (gr_is_guarded) {
        return;
    }
    memset(&action, 0, sizeof action);
    action.sa_sigaction = gr_on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    gr_is_guarded = sigaction(SIGBUS, &action, &gr_previous) == 0;
}

/* Copy words of the file; false where it was cut off under us. */
static bool gr_copy(const gr_reader *r, size_t at, size_t count, uint64_t *to) {
    sigjmp_buf escape;
    if (at + count > r->size / 8) {
        return false;
    }
    if (gr_is_guarded) {
        if (sigsetjmp(escape, 0) != 0) {
            gr_escape = NULL;
            return false;
        }
        gr_escape = &escape;
    }
    for (size_t i = 0; i < count; i++) {
        to[i] = __atomic_load_n(&r->words[at + i], __ATOMIC_ACQUIRE);
    }
    gr_escape = NULL;
    return true;
}

static uint64_t gr_word(const gr_reader *r, size_t at) {
    uint64_t value = 0;
    return gr_copy(r, at, 1, &value) ? value : 0;
}

static int64_t gr_monotonic(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* FNV-1a of the identity of this boot: clocks start again with the next. */
static uint64_t gr_boot(void) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[64];
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text);
    if (file >= 0) {
        (void)close(file);
    }
    for (ssize_t i = 0; i < length && text[i] != '\n'; i++) {
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    }
    return length > 0 ? hash : 0;
}

static void gr_unmap(gr_reader *r) {
    if (r->words != NULL) {
        (void)munmap((void *)(uintptr_t)r->words, r->size);
    }
    free(r->copy);
    r->words = NULL;
    r->copy = NULL;
    r->sequence = 0;
    r->deadline = INT64_MIN;
}

static uint32_t gr_half(uint64_t word, bool is_high) {
    return (uint32_t)(is_high ? word >> 32 : word & UINT32_MAX);
}

/* Read the header, which does not change; NULL, or what is wrong with it. */
static const char *gr_check(gr_reader *r) {
    uint64_t header[GR_HEADER_SIZE / 8];
    char version[64];
    if (!gr_copy(r, 0, GR_HEADER_SIZE / 8, header)) {
        return "the state file was cut off";
    }
    if (memcmp(header, "GPURULES", 8) != 0) {
        return "the file is not a state file";
    }
    if (gr_half(header[1], false) != GR_LAYOUT_VERSION) {
        return "the state file has a layout of another version";
    }
    if (header[GR_CLOSED_WORD] != 0) {
        return "the agent has ended";
    }
    if (header[13] != 0 && header[13] != gr_boot()) {
        return "the state file is from before the last boot";
    }
    r->slot = gr_half(header[14], false);
    r->slot_size = gr_half(header[14], true);
    if (r->slot % 8 != 0 || r->slot_size % 8 != 0 || r->slot_size < GR_FIXED_WORDS * 8 || r->slot_size > GR_MAX_SLOT ||
        r->slot + 2 * r->slot_size > r->size) {
        return "the slots of the state file are not inside it";
    }
    memset(version, 0, sizeof version);
    memcpy(version, GR_VERSION, sizeof GR_VERSION - 1 < sizeof version ? sizeof GR_VERSION - 1 : sizeof version);
    r->is_same = memcmp((const char *)header + 16, version, sizeof version) == 0 && header[10] == GR_FINGERPRINT &&
                 gr_half(header[15], false) == GR_GPU_COLUMNS && gr_half(header[15], true) == GR_NODE_COLUMNS;
    r->copy = malloc(r->slot_size);
    return r->copy == NULL ? "there is no memory for a copy of the state" : NULL;
}

static const char *gr_map(gr_reader *r) {
    struct stat info;
    int file = open(r->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        return "there is no state file that can be read";
    }
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < GR_HEADER_SIZE ||
        info.st_size > 4 * (off_t)GR_MAX_SLOT) {
        (void)close(file);
        return "the file is not a state file";
    }
    if (r->words != NULL && (uint64_t)info.st_dev == r->device && (uint64_t)info.st_ino == r->inode &&
        gr_word(r, GR_CLOSED_WORD) == 0 && (size_t)info.st_size == r->size) {
        (void)close(file);
        return NULL; /* it is the one that is mapped */
    }
    gr_unmap(r);
    r->size = (size_t)info.st_size;
    r->device = (uint64_t)info.st_dev;
    r->inode = (uint64_t)info.st_ino;
    void *data = mmap(NULL, r->size, PROT_READ, MAP_SHARED, file, 0);
    (void)close(file);
    if (data == MAP_FAILED) {
        return "the state file cannot be mapped";
    }
    r->words = data;
    const char *problem = gr_check(r);
    if (problem != NULL) {
        gr_unmap(r);
    }
    return problem;
}

/* Reads cells one after the other; bad is set where they are not what they should be. */
typedef struct {
    const uint64_t *words;
    size_t at, count;
    const char *heap;
    size_t heap_length;
    bool bad;
} gr_decoder;

enum { GR_CELL_MISSING, GR_CELL_INTEGER, GR_CELL_DOUBLE, GR_CELL_TEXT, GR_CELL_TRUE, GR_CELL_FALSE };

static uint64_t gr_cell(gr_decoder *d, uint64_t *value) {
    if (d->at + 2 > d->count || d->words[d->at] > GR_CELL_FALSE) {
        d->bad = true;
        *value = 0;
        return GR_CELL_MISSING;
    }
    *value = d->words[d->at + 1];
    d->at += 2;
    return d->words[d->at - 2];
}

static gr_number gr_cell_number(gr_decoder *d) {
    uint64_t value, kind = gr_cell(d, &value);
    double real;
    int64_t whole;
    memcpy(&real, &value, sizeof real);
    memcpy(&whole, &value, sizeof whole);
    return kind == GR_CELL_INTEGER ? gr_int(whole) : kind == GR_CELL_DOUBLE ? gr_float(real) : (gr_number){0, 0, 0};
}

static gr_truth gr_cell_truth(gr_decoder *d) {
    uint64_t value, kind = gr_cell(d, &value);
    return kind == GR_CELL_TRUE ? GR_TRUE : kind == GR_CELL_FALSE ? GR_FALSE : GR_UNKNOWN;
}

static gr_text gr_text_at(gr_decoder *d, uint64_t value) {
    uint64_t start = value >> 32, length = value & UINT32_MAX;
    if (start + length > d->heap_length) {
        d->bad = true;
        return (gr_text){NULL, 0};
    }
    return (gr_text){d->heap + start, (size_t)length};
}

GR_UNUSED static gr_text gr_cell_text(gr_decoder *d) {
    uint64_t value, kind = gr_cell(d, &value);
    return kind == GR_CELL_TEXT ? gr_text_at(d, value) : (gr_text){NULL, 0};
}

static gr_index gr_cell_index(gr_decoder *d) {
    uint64_t value, kind = gr_cell(d, &value);
    int64_t number;
    memcpy(&number, &value, sizeof number);
    if (kind == GR_CELL_TEXT) {
        return (gr_index){-1, gr_text_at(d, value)};
    }
    d->bad = d->bad || kind != GR_CELL_INTEGER;
    return gr_board(number);
}

static double gr_at_least_zero(gr_number x) {
    return gr_is_known(x) && x.f > 0 ? x.f : 0;
}

/* What the rules of the agent ask of the node. */
static gr_decision gr_directives(gr_decoder *d, const gr_bound *stale) {
    gr_decision found = stale->start;
    gr_number factor = gr_cell_number(d);
    found.basis = GR_OTHER_RULESET;
    if (gr_is_known(factor) && factor.f >= 0 && factor.f <= 1) {
        found.prefetch_factor = factor.f;
    }
    found.delay = gr_at_least_zero(gr_cell_number(d));
    found.priority_boost = gr_cell_number(d).f;
    found.max_bandwidth = gr_at_least_zero(gr_cell_number(d));
    found.max_concurrency = (int64_t)fmin(gr_at_least_zero(gr_cell_number(d)), INT32_MAX);
    found.paused = gr_cell_truth(d) == GR_TRUE;
    return found;
}

/* Take over a slot that has been copied; false where it is not one. Nothing is changed then. */
static bool gr_take(gr_reader *r, uint64_t sequence) {
    const uint64_t *words = r->copy;
    uint64_t gpus = gr_half(words[5], false), heap = gr_half(words[5], true);
    gr_decoder d = {words, 8, GR_FIXED_WORDS, NULL, 0, false};
    gr_decision directives = gr_directives(&d, &r->stale);
    double wall;
    memcpy(&wall, &words[3], sizeof wall);
    if (r->is_same) {
        static const gr_state nothing;
        uint64_t cells = GR_FIXED_WORDS + UINT64_C(2) * GR_NODE_COLUMNS + gpus * 2 * (1 + GR_GPU_COLUMNS);
        if (gpus > GR_MAX_GPUS || (cells + (heap + 7) / 8) * 8 > r->slot_size) {
            return false;
        }
        d = (gr_decoder){words, GR_FIXED_WORDS - 2, cells, (const char *)(words + cells), heap, false};
        r->state = nothing;
        gr_decode_state(&r->state, &d, gpus);
    }
    if (d.bad) {
        return false;
    }
    r->sequence = sequence;
    r->revision = words[1];
    memcpy(&r->monotonic, &words[2], sizeof r->monotonic);
    memcpy(&r->deadline, &words[4], sizeof r->deadline);
    r->wall = wall;
    r->is_bound = r->is_same && (words[6] & 1) == 0;
    if ((words[6] & 1) != 0) {
        r->bound = r->stale;
        r->bound.start.basis = r->bound.settled.basis = GR_DISABLED;
    } else if (r->is_same) {
        gr_bind(&r->bound, &r->state);
    } else {
        directives.snapshot_time = wall;
        r->bound = r->stale;
        r->bound.start = r->bound.settled = directives;
    }
    return true;
}

/* Read the newest state, if there is one that is not known and whole. */
static void gr_read(gr_reader *r) {
    for (int attempt = 0; attempt < GR_MAX_ATTEMPTS; attempt++) {
        uint64_t sequence = gr_word(r, GR_SEQUENCE_WORD);
        size_t at = (r->slot + (sequence & 1) * r->slot_size) / 8;
        if (sequence == 0 || sequence == r->sequence || !gr_copy(r, at, GR_FIXED_WORDS, r->copy)) {
            return;
        }
        size_t gpus = gr_half(r->copy[5], false), heap = gr_half(r->copy[5], true);
        size_t count = GR_FIXED_WORDS;
        if (r->is_same && gpus <= GR_MAX_GPUS) {
            count += 2 * (size_t)GR_NODE_COLUMNS + gpus * 2 * (1 + GR_GPU_COLUMNS) + (heap + 7) / 8;
        }
        count = count * 8 > r->slot_size ? r->slot_size / 8 : count;
        if (!gr_copy(r, at + GR_FIXED_WORDS, count - GR_FIXED_WORDS, r->copy + GR_FIXED_WORDS)) {
            return;
        }
        if (gr_word(r, GR_SEQUENCE_WORD) == sequence && r->copy[0] == sequence) {
            if (!gr_take(r, sequence)) {
                r->sequence = 0; /* what was bound may be half overwritten */
                r->deadline = INT64_MIN;
                r->problem = "the state file is damaged";
            }
            return;
        }
    }
}

/* A deadline that is far off, because a clock or a boot is another, does not count. */
static bool gr_is_live(const gr_reader *r, int64_t now) {
    return now <= r->deadline && r->monotonic <= now + 1000000000;
}

void gr_reader_open(gr_reader *reader, const char *path) {
    memset(reader, 0, sizeof *reader);
    reader->path = path;
    reader->deadline = INT64_MIN;
    reader->retry_at = INT64_MIN;
    gr_neutral(&reader->stale);
    gr_neutral(&reader->bound);
    (void)gr_reader_bound(reader);
}

const gr_bound *gr_reader_bound(gr_reader *r) {
    int64_t now = gr_monotonic();
    bool is_closed = r->words != NULL && gr_word(r, GR_CLOSED_WORD) != 0;
    if (r->words != NULL && !is_closed && gr_word(r, GR_SEQUENCE_WORD) != r->sequence) {
        gr_read(r);
    }
    if (r->words == NULL || is_closed || !gr_is_live(r, now)) {
        if (r->retry_at > now + 200000000 || r->retry_at <= now || (is_closed && !r->is_left)) {
            r->retry_at = now + 100000000;
            r->problem = gr_map(r);
            r->is_left = r->problem != NULL; /* another file was looked for, in vain */
            if (r->problem != NULL && is_closed) {
                gr_unmap(r); /* the agent has ended in order */
            }
            if (r->words != NULL) {
                gr_read(r);
            }
        }
    }
    if (r->words == NULL || !gr_is_live(r, now)) {
        return &r->stale;
    }
    gr_age(r, now);
    return &r->bound;
}

const char *gr_reader_problem(gr_reader *r) {
    const gr_bound *bound = gr_reader_bound(r);
    if (bound->start.basis == GR_FRESH) {
        return NULL;
    }
    if (bound->start.basis == GR_OTHER_RULESET) {
        return "the agent runs another ruleset";
    }
    if (bound->start.basis == GR_DISABLED) {
        return "the rules are not in force";
    }
    return r->problem == NULL ? "the agent is silent" : r->problem;
}

void gr_reader_close(gr_reader *reader) {
    gr_unmap(reader);
    reader->retry_at = INT64_MAX;
    reader->path = "";
}
