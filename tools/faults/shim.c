/* Between a program and the C library: calls about chosen files are counted, and one of them fails.

   Preloaded (LD_PRELOAD), it does nothing until fault_arm() was called in the process. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define LIMIT 4096 /* descriptors */

enum { ONCE, LATER, HANDLE }; /* that call; all from then on; all on the same descriptor */

static char calls[256];       /* as ",read,write," */
static char path[4096];       /* part of the paths that count */
static int at, error, mode;   /* error 0: a short read or write */
static volatile int count, hits;
static volatile char chosen[LIMIT], stale[LIMIT];
static const char *volatile last = "";

void fault_arm(const char *calls_, const char *path_, int at_, int error_, int mode_) {
    strncpy(calls, calls_, sizeof calls - 1);
    strncpy(path, path_, sizeof path - 1);
    at = at_; error = error_; mode = mode_;
    count = hits = 0;
}
void fault_disarm(void) { at = 0; memset((void *)stale, 0, sizeof stale); }
int fault_hits(void) { return hits; }
const char *fault_last(void) { return last; }

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Tell whether this call is to fail. */
static int due(const char *name, int counted, int fd) {
    char wanted[32] = ",";
    if (!at || !counted) return 0;
    strcat(strcat(wanted, name), ",");
    int ours = fd >= 0 && fd < LIMIT && stale[fd];
    if (!ours) {
        if (!strstr(calls, wanted)) return 0;
        int number = __sync_add_and_fetch(&count, 1);
        ours = mode == LATER ? number >= at : number == at;
        if (ours && mode == HANDLE && fd >= 0 && fd < LIMIT) stale[fd] = 1;
    }
    if (ours) { __sync_add_and_fetch(&hits, 1); last = name; errno = error; }
    return ours;
}
static int known(int fd) { return fd >= 0 && fd < LIMIT && chosen[fd]; }
static int about(const char *name) { return at && path[0] && name && strstr(name, path) != NULL; }
static int opened(int fd, const char *name) {
    if (fd >= 0 && fd < LIMIT) { chosen[fd] = path[0] && strstr(name, path) != NULL; stale[fd] = 0; }
    return fd;
}

#define OPEN(symbol, ...) \
    mode_t permissions = 0; \
    va_list rest; \
    va_start(rest, flags); \
    if (flags & (O_CREAT | O_TMPFILE)) permissions = va_arg(rest, mode_t); \
    va_end(rest); \
    REAL(symbol); \
    if (due("open", about(name), -1)) return -1; \
    return opened(real(__VA_ARGS__, flags, permissions), name)

int open(const char *name, int flags, ...) { OPEN(open, name); }
int open64(const char *name, int flags, ...) { OPEN(open64, name); }
int openat(int base, const char *name, int flags, ...) { OPEN(openat, base, name); }
int openat64(int base, const char *name, int flags, ...) { OPEN(openat64, base, name); }
int close(int fd) {
    REAL(close);
    if (fd >= 0 && fd < LIMIT) chosen[fd] = stale[fd] = 0;
    return real(fd);
}

/* Half of the bytes, if a short call is asked for; at least one. */
#define SHORT(size) ((size) > 1 ? (size) / 2 : (size))
#define MOVE(symbol, name, ...) \
    REAL(symbol); \
    if (due(name, known(fd), fd)) { if (error) return -1; size = SHORT(size); } \
    return real(fd, data, size, ##__VA_ARGS__)

ssize_t read(int fd, void *data, size_t size) { MOVE(read, "read"); }
ssize_t write(int fd, const void *data, size_t size) { MOVE(write, "write"); }
ssize_t pread(int fd, void *data, size_t size, off_t offset) { MOVE(pread, "pread", offset); }
ssize_t pread64(int fd, void *data, size_t size, off64_t offset) { MOVE(pread64, "pread", offset); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    MOVE(pwrite, "pwrite", offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    MOVE(pwrite64, "pwrite", offset);
}

int fsync(int fd) {
    REAL(fsync);
    return due("fsync", known(fd), fd) ? -1 : real(fd);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return due("rename", about(from), -1) ? -1 : real(from, to);
}
#define STATUS(symbol) \
    REAL(symbol); \
    return due("fstat", known(fd), fd) ? -1 : real(fd, status)
int fstat(int fd, struct stat *status) { STATUS(fstat); }
int fstat64(int fd, struct stat64 *status) { STATUS(fstat64); }
