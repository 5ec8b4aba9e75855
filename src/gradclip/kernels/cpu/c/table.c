/* Tables of tensors: cut into chunks, shared out to threads, put together in order. */
#include "passes.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <pthread.h>
#endif
#ifdef GRADCLIP_X86
#include <xmmintrin.h>
#endif

#define CHUNK 65536           /* entries */
#define GROUP 8               /* chunks that a thread takes at once */
#define LEAST_SHARE (1 << 19) /* entries that pay for a thread of their own: 2 MiB of float32 */
#define MOST_THREADS 64

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

typedef struct {
    char *entries;
    int64_t count;
    int64_t tensor;
    enum Type type;
    double factor;      /* to scale by, or the unit to measure in */
    Statistics found;
} Chunk;

typedef struct {
    Chunk *chunks;
    int64_t count;
    const Passes *passes;
    enum What what;
    int scaling;
    atomic_llong next;
} Work;

static int width; /* of the passes in use; 0 until they are chosen */

/* Use the passes with this number of doubles in a register, or the machine's best if there are none
 * such; return the number in use. */
EXPORT int gradclip_use(int wanted) {
    width = 2;
#ifdef GRADCLIP_X86
    if (wanted != 2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) width = 4;
#endif
    (void)wanted;
    return width;
}

static const Passes *passes_in_use(void) {
#ifdef GRADCLIP_X86
    if ((width ? width : gradclip_use(0)) == 4) return &gradclip_avx2;
#endif
    return &gradclip_baseline;
}

static void *work_on(void *argument) {
    Work *work = argument;
    for (;;) {
        int64_t first = atomic_fetch_add(&work->next, GROUP);
        if (first >= work->count) return 0;
        int64_t end = first + GROUP < work->count ? first + GROUP : work->count;
        for (Chunk *c = work->chunks + first; c < work->chunks + end; c++) {
            if (work->scaling) work->passes->scale(c->entries, c->count, c->type, c->factor);
            else c->found = work->passes->measure(c->entries, c->count, c->type, work->what,
                                                  c->factor);
        }
    }
}

static void run(Work *work, int64_t entries, int threads) {
    atomic_init(&work->next, 0);
    work->passes = passes_in_use();
#ifdef GRADCLIP_X86
    unsigned int mode = _mm_getcsr(); /* denormals count, whatever the caller has them taken for */
    _mm_setcsr(mode & ~0x8040u);
#endif
#ifndef _WIN32
    pthread_t helpers[MOST_THREADS];
    int64_t shares = entries / LEAST_SHARE, started = 0;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    while (started + 1 < threads && started + 1 < shares &&
           pthread_create(&helpers[started], 0, work_on, work) == 0)
        started++;
    work_on(work);
    for (int64_t i = 0; i < started; i++) pthread_join(helpers[i], 0);
#else
    work_on(work);
#endif
#ifdef GRADCLIP_X86
    _mm_setcsr(mode);
#endif
}

static int64_t size_of(enum Type type) {
    return type == FLOAT64 ? 8 : type == FLOAT32 ? 4 : 2;
}

/* Cut the tensors whose factor is not `leave` into chunks; return their number, -1 without memory. */
static int64_t cut(Chunk **chunks, const uint64_t *addresses, const int64_t *counts,
                   const uint8_t *types, int64_t tensors, const double *factors, double leave,
                   int64_t *entries) {
    int64_t total = 0, made = 0;
    for (int64_t t = 0; t < tensors; t++) total += (counts[t] + CHUNK - 1) / CHUNK;
    *chunks = malloc((size_t)(total ? total : 1) * sizeof(Chunk));
    if (!*chunks) return -1;
    *entries = 0;
    for (int64_t t = 0; t < tensors; t++) {
        double factor = factors ? factors[t] : 1.0;
        if (factor == leave) continue;
        char *start = (char *)(uintptr_t)addresses[t]; /* NOLINT: the caller's tensors */
        for (int64_t i = 0; i < counts[t]; i += CHUNK) {
            int64_t count = counts[t] - i < CHUNK ? counts[t] - i : CHUNK;
            (*chunks)[made++] = (Chunk){.entries = start + i * size_of(types[t]), .count = count,
                                        .tensor = t, .type = types[t], .factor = factor};
            *entries += count;
        }
    }
    return made;
}

static double larger(double a, double b) { /* NaN wins */
    return a != a || a > b ? a : b;
}

/* Add without losing the digits that rounding takes (Neumaier, 1974). */
static void add(double *sum, double *lost, double x) {
    double total = *sum + x;
    if (isfinite(total)) *lost += fabs(*sum) >= fabs(x) ? (*sum - total) + x : (x - total) + *sum;
    *sum = total;
}

static void combine(Statistics *rows, double *lost, const Work *work) {
    for (const Chunk *c = work->chunks; c < work->chunks + work->count; c++) {
        Statistics *row = rows + c->tensor;
        add(&row->squares, lost + c->tensor, c->found.squares);
        row->largest = larger(row->largest, c->found.largest);
        row->nonfinite += c->found.nonfinite;
        row->zeros += c->found.zeros;
    }
}

/* Return the norm of a float64 tensor whose squares leave float64's range, in units of its size. */
static double norm_in_units(char *entries, int64_t count, double largest) {
    const Passes *passes = passes_in_use();
    int exponent;
    frexp(largest, &exponent);
    exponent = exponent < -1000 ? -1000 : exponent; /* 2 to its negative must be finite */
    double unit = ldexp(1.0, -exponent), sum = 0, lost = 0;
    for (int64_t i = 0; i < count; i += CHUNK) {
        int64_t length = count - i < CHUNK ? count - i : CHUNK;
        add(&sum, &lost, passes->measure(entries + 8 * i, length, FLOAT64, SQUARES, unit).squares);
    }
    return ldexp(sqrt(sum + lost), exponent);
}

static double largest_of(const char *entries, int64_t count) {
    double largest = 0;
    for (int64_t i = 0; i < count; i += CHUNK) {
        int64_t length = count - i < CHUNK ? count - i : CHUNK;
        largest = larger(largest,
                         passes_in_use()->measure(entries + 8 * i, length, FLOAT64, LARGEST, 1).largest);
    }
    return largest;
}

/* Return the norm of the numbers in the rows' first column, at any scale; NaN if one is. */
static double norm_of_norms(const Statistics *rows, int64_t count) {
    double largest = 0, sum = 0, lost = 0;
    for (int64_t t = 0; t < count; t++) largest = larger(largest, rows[t].squares);
    if (!(largest > 0) || isinf(largest)) return largest;
    int exponent;
    frexp(largest, &exponent);
    for (int64_t t = 0; t < count; t++) {
        double x = ldexp(rows[t].squares, -exponent);
        add(&sum, &lost, x * x);
    }
    return ldexp(sqrt(sum + lost), exponent);
}

/* Write rows column by column, as table.py reads them: 4 doubles of all tensors, then for each tensor
 * norms and largest magnitudes as doubles, both counts as int64, norms and magnitudes as floats. */
static void write_columns(const Statistics *rows, int64_t tensors, char *out) {
    memcpy(out, rows + tensors, sizeof(Statistics));
    double *wide = (double *)(out + sizeof(Statistics));
    int64_t *counts = (int64_t *)(wide + 2 * tensors);
    float *narrow = (float *)(counts + 2 * tensors);
    for (int64_t t = 0; t < tensors; t++) {
        wide[t] = rows[t].squares;
        wide[tensors + t] = rows[t].largest;
        counts[t] = (int64_t)rows[t].nonfinite;
        counts[tensors + t] = (int64_t)rows[t].zeros;
        narrow[t] = (float)rows[t].squares;
        narrow[tensors + t] = (float)rows[t].largest;
    }
}

/* Turn sums of squares into norms, and add up all tensors into the row behind them. */
static void finish(Statistics *rows, const double *lost, const uint64_t *addresses,
                   const int64_t *counts, const uint8_t *types, int64_t tensors, enum What what) {
    Statistics *all = rows + tensors;
    for (int64_t t = 0; t < tensors; t++) {
        double squares = rows[t].squares;
        rows[t].squares = sqrt(squares + lost[t]);
        if (types[t] == FLOAT64 && what != LARGEST && !(squares > 1e-200 && squares < 1e300)) {
            char *start = (char *)(uintptr_t)addresses[t];
            double largest = what == SQUARES ? largest_of(start, counts[t]) : rows[t].largest;
            rows[t].squares = largest > 0 && isfinite(largest)
                                  ? norm_in_units(start, counts[t], largest) : largest;
        }
        all->largest = larger(all->largest, rows[t].largest);
        all->nonfinite += rows[t].nonfinite;
        all->zeros += rows[t].zeros;
    }
    all->squares = norm_of_norms(rows, tensors);
}

/* Measure tensors.
 *
 * addresses, counts, types: one for each tensor; the entries lie side by side.
 * what: enum What. Columns that are not asked for hold nothing of meaning.
 * out: where `write_columns` writes.
 * Returns 0, or 1 if there was no memory for it.
 */
EXPORT int gradclip_measure(const uint64_t *addresses, const int64_t *counts, const uint8_t *types,
                            int64_t tensors, int what, int threads, void *out) {
    Work work = {.what = (enum What)what};
    int64_t entries;
    Statistics *rows = calloc((size_t)tensors + 1, sizeof(Statistics) + sizeof(double));
    if (!rows) return 1;
    double *lost = (double *)(rows + tensors + 1);
    work.count = cut(&work.chunks, addresses, counts, types, tensors, 0, 0.0, &entries);
    if (work.count < 0) {
        free(rows);
        return 1;
    }
    run(&work, entries, threads);
    combine(rows, lost, &work);
    finish(rows, lost, addresses, counts, types, tensors, work.what);
    write_columns(rows, tensors, out);
    free(work.chunks);
    free(rows);
    return 0;
}

/* Multiply tensors in place, each by its factor: 1 leaves a tensor alone, 0 gives zeros.
 *
 * Returns 0, or 1 if there was no memory for it and nothing was changed.
 */
EXPORT int gradclip_scale(const uint64_t *addresses, const int64_t *counts, const uint8_t *types,
                          int64_t tensors, const double *factors, int threads) {
    Work work = {.scaling = 1};
    int64_t entries;
    work.count = cut(&work.chunks, addresses, counts, types, tensors, factors, 1.0, &entries);
    if (work.count < 0) return 1;
    run(&work, entries, threads);
    free(work.chunks);
    return 0;
}

/* What the caller must know of these functions is numbered. */
EXPORT int gradclip_abi(void) { return 2; }
