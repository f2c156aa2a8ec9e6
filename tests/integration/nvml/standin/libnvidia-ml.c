/* A stand-in for libnvidia-ml.so.1, so that tests can talk to the real pynvml on a machine without a GPU.
 *
 * The file that the environment variable STANDIN_NVML names says what there is. It is looked at before every call, so
 * a test may replace it at any time (by a rename, so that it is never seen half written). Each line is
 *
 *     SUBJECT KEY VALUE
 *
 * where SUBJECT is `system`, a GPU (`gpu0`) or a MIG instance (`gpu0.mig1`). `system order gpu0,gpu1` lists the GPUs
 * by index; it is taken at nvmlInit, as the driver does, or at any call with `system live 1`.
 * Any KEY that a function wants and does not find is NOT_SUPPORTED. Two keys are of every function:
 *
 *     SUBJECT error.FUNCTION CODE       the call fails with that number; error.* for all
 *     SUBJECT hang.FUNCTION SECONDS     the call blocks first; hang.* for all
 *
 * nvmlInit is of the subject `system`. Every call is counted in the file STANDIN_NVML_CALLS, where that is set.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OK, UNINITIALIZED, INVALID, NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND = 6, TOO_SMALL = 7, TIMED_OUT = 10,
       LOST = 15, WRONG_VERSION = 25 };
enum { MOST_LINES = 4096, MOST_GPUS = 32, MOST_INSTANCES = 8 };

typedef unsigned int u32;
typedef unsigned long long u64;
typedef struct device { char name[32]; } *device;
struct line { char subject[32], key[64], value[400]; };

static struct line lines[MOST_LINES];
static int line_count, users, gpu_count;
static struct device gpus[MOST_GPUS][MOST_INSTANCES + 1]; /* [g][0] is the whole GPU */
static struct { struct device *device; } order[MOST_GPUS];
static struct stat last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void load(void) {
    const char *path = getenv("STANDIN_NVML");
    struct stat now;
    if (!path || stat(path, &now)) { line_count = 0; return; }
    if (now.st_ino == last.st_ino && now.st_size == last.st_size && now.st_mtim.tv_nsec == last.st_mtim.tv_nsec) return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    char text[512];
    for (line_count = 0; line_count < MOST_LINES && fgets(text, sizeof text, file);) {
        struct line *line = &lines[line_count];
        line->value[0] = 0;
        if (sscanf(text, "%31s %63s %399[^\n]", line->subject, line->key, line->value) >= 2) line_count++;
    }
    fclose(file);
    last = now;
}

static const char *find(const char *subject, const char *key) {
    for (int i = line_count - 1; i >= 0; i--)
        if (!strcmp(lines[i].subject, subject) && !strcmp(lines[i].key, key)) return lines[i].value;
    return NULL;
}

static const char *find_of(const char *subject, const char *kind, const char *function) {
    char key[96];
    snprintf(key, sizeof key, "%s.%s", kind, function);
    const char *value = find(subject, key);
    snprintf(key, sizeof key, "%s.*", kind);
    return value ? value : find(subject, key);
}

static void sleep_for(double seconds) {
    struct timespec left = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) && errno == EINTR) {}
}

static void count_call(const char *function, const char *subject) {
    const char *path = getenv("STANDIN_NVML_CALLS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%s %s\n", function, subject);
    fclose(file);
}

/* Whatever is called passes here first: the file is read anew, then the call hangs, or fails, as it says. */
static int enter(const char *function, device d) {
    pthread_mutex_lock(&lock);
    load();
    const char *subject = d ? d->name : "system";
    const char *hang = find_of(subject, "hang", function), *error = find_of(subject, "error", function);
    double seconds = hang ? atof(hang) : 0;
    int result = error ? atoi(error) : !users && strncmp(function, "nvmlInit", 8) ? UNINITIALIZED : OK;
    count_call(function, subject);
    pthread_mutex_unlock(&lock);
    if (seconds > 0) sleep_for(seconds);
    return result;
}

static int number(const char *subject, const char *key, u64 *out) {
    pthread_mutex_lock(&lock);
    const char *value = find(subject, key);
    int result = value ? OK : NOT_SUPPORTED;
    if (value) *out = strtoull(value, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

static int text(const char *subject, const char *key, char *out, u32 size) {
    pthread_mutex_lock(&lock);
    const char *value = find(subject, key);
    int result = !value ? NOT_SUPPORTED : strlen(value) + 1 > size ? TOO_SMALL : OK;
    if (!result) strcpy(out, value);
    pthread_mutex_unlock(&lock);
    return result;
}

static struct device *device_named(const char *name) {
    int gpu = atoi(name + 3);
    for (int part = 0; part <= MOST_INSTANCES; part++) {
        char *into = gpus[gpu][part].name;
        part ? snprintf(into, 32, "gpu%d.mig%d", gpu, part - 1) : snprintf(into, 32, "gpu%d", gpu);
    }
    return &gpus[gpu][0];
}

static void enumerate(void) {
    const char *value = find("system", "order");
    char list[400];
    snprintf(list, sizeof list, "%s", value ? value : "");
    gpu_count = 0;
    for (char *rest = list, *name; (name = strsep(&rest, ",")) && gpu_count < MOST_GPUS;)
        if (!strncmp(name, "gpu", 3)) order[gpu_count++].device = device_named(name);
}

static void enumerate_if_live(void) {
    pthread_mutex_lock(&lock);
    const char *live = find("system", "live");
    if (live && *live == '1') enumerate();
    pthread_mutex_unlock(&lock);
}

int nvmlInitWithFlags(u32 flags) {
    (void)flags;
    int result = enter("nvmlInitWithFlags", NULL);
    if (result) return result;
    pthread_mutex_lock(&lock);
    if (!users++) enumerate();
    pthread_mutex_unlock(&lock);
    return OK;
}

int nvmlShutdown(void) {
    int result = enter("nvmlShutdown", NULL);
    if (!result && users) users--;
    return result;
}

const char *nvmlErrorString(int code) { (void)code; return "an error of the stand-in"; }

int nvmlSystemGetDriverVersion(char *out, u32 size) {
    int result = enter("nvmlSystemGetDriverVersion", NULL);
    return result ? result : text("system", "driver", out, size);
}

int nvmlDeviceGetCount_v2(u32 *count) {
    int result = enter("nvmlDeviceGetCount_v2", NULL);
    if (result) return result;
    enumerate_if_live();
    *count = (u32)gpu_count;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(u32 index, device *out) {
    int result = enter("nvmlDeviceGetHandleByIndex_v2", NULL);
    if (result) return result;
    enumerate_if_live();
    if (index >= (u32)gpu_count) return INVALID;
    result = enter("nvmlDeviceGetHandleByIndex_v2", order[index].device);
    if (!result) *out = order[index].device;
    return result;
}

#define TEXT(function, key) \
    int function(device d, char *out, u32 size) { int r = enter(#function, d); return r ? r : text(d->name, key, out, size); }
#define NUMBER(function, type, key) \
    int function(device d, type *out) { \
        u64 value; int r = enter(#function, d); \
        if (!r && !(r = number(d->name, key, &value))) *out = (type)value; \
        return r; }

TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetName, "name")
NUMBER(nvmlDeviceGetPowerUsage, u32, "power_mw")
NUMBER(nvmlDeviceGetEnforcedPowerLimit, u32, "power_limit_mw")
NUMBER(nvmlDeviceGetTotalEnergyConsumption, u64, "energy_mj")
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, u64, "reasons")
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, u64, "reasons")
NUMBER(nvmlDeviceGetFanSpeed, u32, "fan")
NUMBER(nvmlDeviceGetPcieReplayCounter, u32, "pcie_replays")
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, u32, "pcie_gen")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, u32, "pcie_gen_max")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, u32, "pcie_width")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, u32, "pcie_width_max")
NUMBER(nvmlDeviceGetMaxMigDeviceCount, u32, "max_mig")
NUMBER(nvmlDeviceGetGpuInstanceId, u32, "gpu_instance")
NUMBER(nvmlDeviceGetComputeInstanceId, u32, "compute_instance")

int nvmlDeviceGetUtilizationRates(device d, u32 rates[2]) {
    u64 gpu, memory = 0;
    int result = enter("nvmlDeviceGetUtilizationRates", d);
    if (result || (result = number(d->name, "utilization", &gpu))) return result;
    number(d->name, "memory_busy", &memory);
    rates[0] = (u32)gpu, rates[1] = (u32)memory;
    return OK;
}

int nvmlDeviceGetTemperature(device d, int sensor, u32 *out) {
    u64 value;
    int result = enter("nvmlDeviceGetTemperature", d);
    (void)sensor;
    if (!result && !(result = number(d->name, "temperature", &value))) *out = (u32)value;
    return result;
}

struct temperature { u32 version; int sensor, temperature; };
int nvmlDeviceGetTemperatureV(device d, struct temperature *out) {
    u64 value;
    int result = enter("nvmlDeviceGetTemperatureV", d);
    if (!result && !(result = number(d->name, "temperature", &value))) out->temperature = (int)value;
    return result;
}

int nvmlDeviceGetTemperatureThreshold(device d, int kind, u32 *out) {
    u64 value;
    int result = enter("nvmlDeviceGetTemperatureThreshold", d);
    const char *key = kind == 1 ? "slowdown" : kind == 2 ? "memory_limit" : "limit_other";
    if (!result && !(result = number(d->name, key, &value))) *out = (u32)value;
    return result;
}

struct margin { u32 version; int margin; };
int nvmlDeviceGetMarginTemperature(device d, struct margin *out) {
    u64 value;
    int result = enter("nvmlDeviceGetMarginTemperature", d);
    if (!result && !(result = number(d->name, "margin", &value))) out->margin = (int)value;
    return result;
}

int nvmlDeviceGetClockInfo(device d, int kind, u32 *out) {
    u64 value;
    int result = enter("nvmlDeviceGetClockInfo", d);
    const char *key = kind == 1 ? "clock_sm" : kind == 2 ? "clock_memory" : "clock_other";
    if (!result && !(result = number(d->name, key, &value))) *out = (u32)value;
    return result;
}

int nvmlDeviceGetPcieThroughput(device d, int direction, u32 *out) {
    u64 value;
    int result = enter("nvmlDeviceGetPcieThroughput", d);
    if (!result && !(result = number(d->name, direction ? "pcie_rx_kb" : "pcie_tx_kb", &value))) *out = (u32)value;
    sleep_for(0.02); /* the driver looks at its counters twice */
    return result;
}

int nvmlDeviceGetTotalEccErrors(device d, int kind, int since, u64 *out) {
    int result = enter("nvmlDeviceGetTotalEccErrors", d);
    return result ? result : number(d->name, since ? "ecc_other" : kind == 1 ? "ecc" : "ecc_corrected", out);
}

int nvmlDeviceGetMemoryErrorCounter(device d, int kind, int since, int place, u64 *out) {
    char key[64];
    int result = enter("nvmlDeviceGetMemoryErrorCounter", d);
    const char *of = place == 2 ? "dram" : place == 7 ? "sram" : "other";
    snprintf(key, sizeof key, "%s_%s", since ? "ecc_other" : kind == 1 ? "ecc" : "ecc_corrected", of);
    return result ? result : number(d->name, key, out);
}

int nvmlDeviceGetRemappedRows(device d, u32 *correctable, u32 *uncorrectable, u32 *pending, u32 *failure) {
    char row[64] = "";
    int result = enter("nvmlDeviceGetRemappedRows", d);
    if (result || (result = text(d->name, "rows", row, sizeof row))) return result;
    sscanf(row, "%u:%u:%u:%u", correctable, uncorrectable, pending, failure);
    return OK;
}

struct fabric { u32 version; unsigned char cluster[16]; int status; u32 clique, state, health; };
int nvmlDeviceGetGpuFabricInfoV(device d, struct fabric *out) {
    u64 state, status = 0;
    int result = enter("nvmlDeviceGetGpuFabricInfoV", d);
    if (result || (result = number(d->name, "fabric", &state))) return result;
    if (out->version != 0x02000024) return WRONG_VERSION;
    number(d->name, "fabric_status", &status);
    out->state = (u32)state, out->status = (int)status;
    return OK;
}

struct memory { u64 total, free, used; };
struct memory_v2 { u32 version; u64 total, reserved, free, used; };

int nvmlDeviceGetMemoryInfo_v2(device d, struct memory_v2 *out) {
    int result = enter("nvmlDeviceGetMemoryInfo_v2", d);
    if (result) return result;
    if (out->version != 0x02000028) return WRONG_VERSION;
    out->reserved = 0;
    number(d->name, "memory_reserved", &out->reserved);
    if ((result = number(d->name, "memory_total", &out->total))) return result;
    if ((result = number(d->name, "memory_used", &out->used))) return result;
    out->free = out->total - out->reserved - out->used;
    return OK;
}

int nvmlDeviceGetMemoryInfo(device d, struct memory *out) { /* the first version counts the reserve as used */
    u64 reserved = 0;
    int result = enter("nvmlDeviceGetMemoryInfo", d);
    if (result || (result = number(d->name, "memory_total", &out->total))) return result;
    if ((result = number(d->name, "memory_used", &out->used))) return result;
    number(d->name, "memory_reserved", &reserved);
    out->used += reserved;
    out->free = out->total - out->used;
    return OK;
}

/* processes PID:BYTES:KIND,... where BYTES may be - and KIND is C, G or M */
struct process { u32 pid; u64 used; u32 gpu_instance, compute_instance; };

static int processes(const char *function, char kind, device d, u32 *count, struct process *out) {
    char list[400] = "";
    u32 found = 0, room = *count;
    struct process all[64];
    int result = enter(function, d);
    if (result || (result = text(d->name, "processes", list, sizeof list))) return result;
    for (char *rest = list, *item; (item = strsep(&rest, ",")) && found < 64;) {
        u32 pid;
        char bytes[32], of;
        if (sscanf(item, "%u:%31[^:]:%c", &pid, bytes, &of) == 3 && of == kind)
            all[found++] = (struct process){pid, *bytes == '-' ? ~0ull : strtoull(bytes, NULL, 0), ~0u, ~0u};
    }
    *count = found;
    if (!found) return OK;
    if (!out || room < found) return TOO_SMALL;
    memcpy(out, all, found * sizeof *all);
    return OK;
}

#define PROCESSES(function, kind) \
    int function(device d, u32 *count, struct process *out) { return processes(#function, kind, d, count, out); }
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, 'C')
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, 'G')
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, 'M')

int nvmlDeviceGetMigMode(device d, u32 *now, u32 *pending) {
    u64 value;
    int result = enter("nvmlDeviceGetMigMode", d);
    if (!result && !(result = number(d->name, "mig", &value))) *now = *pending = (u32)value;
    return result;
}

int nvmlDeviceGetMigDeviceHandleByIndex(device d, u32 index, device *out) {
    char uuid[96];
    int result = enter("nvmlDeviceGetMigDeviceHandleByIndex", d);
    if (result) return result;
    if (index >= MOST_INSTANCES || text(d[index + 1].name, "uuid", uuid, sizeof uuid)) return NOT_FOUND;
    *out = &d[index + 1];
    return OK;
}

struct field { u32 id, scope; long long time, latency; int type, result; union { double d; u32 u; u64 ull; } value; };
static const struct { u32 id; const char *key; int type; } fields[] = {
    {82, "memory_temperature", 1}, {138, "nvlink_tx_kib", 3}, {139, "nvlink_rx_kib", 3},
    {197, "pcie_tx_bytes", 3}, {198, "pcie_rx_bytes", 3},
    {29, "retired_single", 3}, {30, "retired_double", 3}, {31, "retired_pending", 1},
    {38, "nvlink_flit", 3}, {45, "nvlink_data", 3}, {52, "nvlink_replay", 3}, {59, "nvlink_recovery", 3},
};

int nvmlDeviceGetFieldValues(device d, int count, struct field *out) {
    int result = enter("nvmlDeviceGetFieldValues", d);
    if (result) return result;
    for (int i = 0; i < count; i++) {
        out[i].result = NOT_SUPPORTED;
        for (size_t j = 0; j < sizeof fields / sizeof *fields; j++) {
            u64 value, narrow = 0, links = 0;
            char key[64];
            snprintf(key, sizeof key, "%s", fields[j].key);
            if (fields[j].id != out[i].id) continue;
            if (out[i].id == 138 || out[i].id == 139) {
                int by_link = !number(d->name, "nvlink_links", &links);
                if (by_link && out[i].scope == ~0u) { out[i].result = INVALID; continue; }
                if (by_link && out[i].scope >= links) continue;
            }
            if ((out[i].result = number(d->name, key, &value))) continue;
            number(d->name, "narrow", &narrow);
            out[i].type = narrow ? 1 : fields[j].type;
            out[i].value.ull = value;
        }
    }
    return OK;
}

/* xid NUMBER:SERIAL is an event each time that SERIAL grows */
typedef struct events { int count; device devices[MOST_GPUS]; u64 seen[MOST_GPUS]; } *events;
struct event { device device; u64 type, data; u32 gpu_instance, compute_instance; };

static u64 serial_of(device d, u64 *xid) {
    char value[64] = "";
    u64 serial = 0;
    if (!text(d->name, "xid", value, sizeof value)) sscanf(value, "%llu:%llu", xid, &serial);
    return serial;
}

int nvmlEventSetCreate(events *out) {
    int result = enter("nvmlEventSetCreate", NULL);
    if (!result) *out = calloc(1, sizeof **out);
    return result;
}

int nvmlEventSetFree(events set) { free(set); return enter("nvmlEventSetFree", NULL); }

int nvmlDeviceRegisterEvents(device d, u64 types, events set) {
    u64 xid = 0;
    int result = enter("nvmlDeviceRegisterEvents", d);
    (void)types;
    if (result) return result;
    set->devices[set->count] = d;
    set->seen[set->count++] = serial_of(d, &xid);
    return OK;
}

int nvmlEventSetWait_v2(events set, struct event *out, u32 milliseconds) {
    for (u32 waited = 0;; waited += 10) {
        int result = enter("nvmlEventSetWait_v2", NULL);
        if (result) return result;
        for (int i = 0; i < set->count; i++) {
            u64 xid = 0, serial = serial_of(set->devices[i], &xid);
            if (serial <= set->seen[i]) continue;
            set->seen[i] = serial;
            *out = (struct event){set->devices[i], 8, xid, ~0u, ~0u};
            return OK;
        }
        if (waited >= milliseconds) return TIMED_OUT;
        sleep_for(0.01);
    }
}
