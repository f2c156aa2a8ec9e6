/* Kills the process at the Nth system call that changes a file below a folder: preloaded by crashing.py.

   Each wrapper first asks whether its turn has come; if so, the process gets SIGKILL before the call is made, or, where
   writes are to be torn, after half of the bytes were written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static size_t folder_length;
static long last_step = -1; /* -1: not armed */
static int is_torn, report_fd = -1;
static atomic_long steps;

void crash_arm(const char *below, long step, int torn, int report) {
    snprintf(folder, sizeof folder, "%s", below);
    folder_length = strlen(folder);
    is_torn = torn;
    report_fd = report;
    atomic_store(&steps, 0);
    last_step = step;
}

static void die(const char *call) {
    syscall(SYS_write, report_fd, call, strlen(call));
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

static int fd_is_below(int fd);

static int is_below(const char *path) {
    int fd;
    if (sscanf(path, "/proc/self/fd/%d", &fd) == 1) return fd_is_below(fd); /* a path by way of a descriptor */
    return strncmp(path, folder, folder_length) == 0 && (path[folder_length] == '/' || path[folder_length] == 0);
}

static int fd_is_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int path_is_below(int dir, const char *path) {
    char cwd[PATH_MAX];
    if (path == NULL) return 0;
    if (path[0] == '/') return is_below(path);
    if (dir != AT_FDCWD) return fd_is_below(dir);
    return getcwd(cwd, sizeof cwd) != NULL && is_below(cwd);
}

static int is_due(int concerns) { return concerns && atomic_fetch_add(&steps, 1) + 1 == last_step; }
static void at_path(const char *call, int dir, const char *path) {
    if (last_step >= 0 && is_due(path_is_below(dir, path))) die(call);
}
static void at_fd(const char *call, int fd) {
    if (last_step >= 0 && is_due(fd_is_below(fd))) die(call);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BY_PATH(result, name, declared, passed, dir, path) \
    result name declared { at_path(#name, dir, path); return REAL(name) passed; }
#define BY_FD(result, name, declared, passed) \
    result name declared { at_fd(#name, fd); return REAL(name) passed; }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        at_path(#name, AT_FDCWD, path); return REAL(name)(path, flags, mode); }
#define OPENAT(name) \
    int name(int dir, const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        at_path(#name, dir, path); return REAL(name)(dir, path, flags, mode); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    if (last_step >= 0 && is_due(fd_is_below(fd))) {
        if (is_torn) REAL(write)(fd, data, size / 2);
        die("write");
    }
    return REAL(write)(fd, data, size);
}
#define PWRITE(name) \
    ssize_t name(int fd, const void *data, size_t size, off_t offset) { \
        if (last_step >= 0 && is_due(fd_is_below(fd))) { \
            if (is_torn) REAL(name)(fd, data, size / 2, offset); \
            die(#name); \
        } \
        return REAL(name)(fd, data, size, offset); }
PWRITE(pwrite) PWRITE(pwrite64)

BY_FD(ssize_t, writev, (int fd, const struct iovec *data, int count), (fd, data, count))
BY_FD(ssize_t, pwritev, (int fd, const struct iovec *data, int count, off_t at), (fd, data, count, at))
BY_FD(ssize_t, pwritev64, (int fd, const struct iovec *data, int count, off_t at), (fd, data, count, at))
BY_FD(ssize_t, sendfile, (int fd, int in, off_t *at, size_t size), (fd, in, at, size))
BY_FD(ssize_t, sendfile64, (int fd, int in, off_t *at, size_t size), (fd, in, at, size))
ssize_t copy_file_range(int in, off_t *at, int fd, off_t *to, size_t size, unsigned flags) {
    at_fd("copy_file_range", fd);
    return REAL(copy_file_range)(in, at, fd, to, size, flags);
}
BY_FD(int, ftruncate, (int fd, off_t size), (fd, size))
BY_FD(int, ftruncate64, (int fd, off_t size), (fd, size))
BY_FD(int, posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size))
BY_FD(int, posix_fallocate64, (int fd, off_t at, off_t size), (fd, at, size))
BY_FD(int, fsync, (int fd), (fd))
BY_FD(int, fdatasync, (int fd), (fd))
BY_FD(int, flock, (int fd, int operation), (fd, operation))
BY_FD(int, fchmod, (int fd, mode_t mode), (fd, mode))
BY_FD(int, futimens, (int fd, const struct timespec *times), (fd, times))
BY_PATH(int, truncate, (const char *path, off_t size), (path, size), AT_FDCWD, path)
BY_PATH(int, truncate64, (const char *path, off_t size), (path, size), AT_FDCWD, path)
BY_PATH(int, rename, (const char *from, const char *to), (from, to), AT_FDCWD, to)
BY_PATH(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), b, to)
BY_PATH(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags), b, to)
BY_PATH(int, link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
BY_PATH(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), b, to)
BY_PATH(int, symlink, (const char *to, const char *path), (to, path), AT_FDCWD, path)
BY_PATH(int, unlink, (const char *path), (path), AT_FDCWD, path)
BY_PATH(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), dir, path)
BY_PATH(int, rmdir, (const char *path), (path), AT_FDCWD, path)
BY_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
BY_PATH(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), dir, path)
BY_PATH(int, chmod, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
BY_PATH(int, utimensat, (int dir, const char *path, const struct timespec *times, int flags), (dir, path, times, flags), dir, path)
