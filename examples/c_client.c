/* A client in C: asks the rules of this node about files, again and again, until it may copy them.
 *
 *     gpurules build gpurules:coordinator --target c -o rules/
 *     cc -std=c11 -Irules c_client.c rules/gr.c -o c_client -lm
 *     gpurules run gpurules:coordinator --publish /run/gpurules/state &
 *     ./c_client /run/gpurules/state 60 FILE...
 */
#define _POSIX_C_SOURCE 200809L
#include "gr.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static double seconds_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Read a file to its end; the bytes, or -1. */
static long long copied(const char *path) {
    static char buffer[1 << 16];
    FILE *file = fopen(path, "rb");
    long long total = 0;
    size_t length;
    if (file == NULL) {
        return -1;
    }
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        total += (long long)length;
    }
    (void)fclose(file);
    return total;
}

int main(int count, char **arguments) {
    static gr_reader reader;
    static bool done[1024], announced[1024];
    if (count < 4 || count > 1024) {
        (void)fprintf(stderr, "usage: c_client STATE-FILE SECONDS FILE...\n");
        return 2;
    }
    gr_reader_guard();
    gr_reader_open(&reader, arguments[1]);
    double began = seconds_now(), patience = strtod(arguments[2], NULL);
    int left = count - 3;
    while (left > 0 && seconds_now() < began + patience) {
        for (int i = 3; i < count; i++) {
            struct stat info;
            gr_decision decision;
            gr_transfer transfer = {.path = gr_string(arguments[i]), .created = gr_float(began)};
            if (done[i]) {
                continue;
            }
            if (stat(arguments[i], &info) == 0) {
                transfer.size = gr_int(info.st_size);
            }
            const gr_bound *bound = gr_reader_bound(&reader);
            gr_decide(bound, &transfer, NULL, &decision);
            if (decision.delay > 0 || decision.paused) {
                char why[512];
                (void)gr_explain(bound, &transfer, NULL, why, sizeof why);
                if (!announced[i]) {
                    (void)printf("%5.1fs %s waits:\n%s", seconds_now() - began, arguments[i], why);
                }
                announced[i] = true;
                continue;
            }
            (void)printf("%5.1fs %s: %lld bytes, boost %g, basis %d\n", seconds_now() - began, arguments[i],
                         copied(arguments[i]), decision.priority_boost, (int)decision.basis);
            done[i] = true;
            left--;
        }
        (void)fflush(stdout);
        const struct timespec nap = {0, 20000000};
        (void)nanosleep(&nap, NULL);
    }
    const char *problem = gr_reader_problem(&reader);
    (void)printf("%d left; %s\n", left, problem == NULL ? "the state is fresh" : problem);
    gr_reader_close(&reader);
    return 0;
}
