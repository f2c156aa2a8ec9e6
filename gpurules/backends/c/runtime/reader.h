/* Follows the state file of an agent. One thread uses it at a time; give each thread its own. */
typedef struct {
    const char *path;
    const char *problem;
    const uint64_t *words;
    uint64_t *copy;
    size_t size, slot, slot_size;
    uint64_t sequence, device, inode, revision;
    int64_t monotonic, deadline, retry_at;
    double wall;
    bool is_same, is_bound, is_left;
    gr_state state;
    gr_bound bound, stale;
} gr_reader;

/* Begin to follow the state file at path, which must live as long as the reader. It need not be there yet: until it
 * is, decisions are stale. */
void gr_reader_open(gr_reader *reader, const char *path);

/* The newest state, bound; never NULL, and it never waits. Cheap: call it for each decision. */
const gr_bound *gr_reader_bound(gr_reader *reader);

/* NULL while decisions rest on fresh telemetry of the same ruleset, else why they do not. */
const char *gr_reader_problem(gr_reader *reader);

void gr_reader_close(gr_reader *reader);

/* Survive that someone cuts off a state file that is in use: installs a handler of SIGBUS, which passes on what does
 * not come from a reader. Without it such a file ends the process, as it does for everything that is mapped. */
void gr_reader_guard(void);
