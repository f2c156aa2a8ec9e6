/* Preloaded: SIGINT arrives between the decision to read a file and the system call, where Python can not see it.
 * LATE_SIGNAL is the end of the file's path. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), short_length = strlen(end);
    return length >= short_length && strcmp(text + length - short_length, end) == 0;
}

ssize_t read(int descriptor, void *buffer, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    static volatile int sent;
    const char *wanted = getenv("LATE_SIGNAL");
    if (real == NULL)
        real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    if (!sent && wanted != NULL) {
        char link[64], path[4096];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            if (ends_with(path, wanted)) {
                sent = 1;
                pthread_kill(pthread_self(), SIGINT);
            }
        }
    }
    return real(descriptor, buffer, size);
}
