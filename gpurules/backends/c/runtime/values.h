/* A number that may be missing; all zero is missing. Integers stay exact up to 2^63-1, the rest are doubles. */
typedef struct {
    double f;
    int64_t i;
    uint8_t kind;
} gr_number;

/* A text that may be missing (data is NULL). It is not copied: it must live as long as it is used. */
typedef struct {
    const char *data;
    size_t length;
} gr_text;

/* A truth value of Kleene's logic; all zero is unknown. */
typedef int8_t gr_truth;
#define GR_UNKNOWN ((gr_truth)0)
#define GR_TRUE ((gr_truth)1)
#define GR_FALSE ((gr_truth)-1)

/* The index of a GPU: a number, or a text such as "1:0" for instance 0 of a partitioned GPU 1. */
typedef struct {
    int64_t number;
    gr_text name;
} gr_index;

gr_number gr_int(int64_t value);
gr_number gr_float(double value);
gr_text gr_string(const char *value);
gr_truth gr_bool(bool value);
gr_index gr_board(int64_t number);
gr_index gr_instance(const char *name);
