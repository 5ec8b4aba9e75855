/* What one pass over a run of entries finds, for every instruction set that it is compiled for. */
#ifndef GRADCLIP_PASSES_H
#define GRADCLIP_PASSES_H

#include <stdint.h>

enum Type { FLOAT32, FLOAT64, FLOAT16, BFLOAT16 };
enum What { SQUARES, LARGEST, EVERYTHING };

typedef struct {
    double squares;   /* sum of squares; exact in range for all types but float64 */
    double largest;   /* largest magnitude; inf if an entry is, NaN if one is */
    double nonfinite; /* number of entries that are inf or NaN */
    double zeros;     /* number of entries that are 0 or -0 */
} Statistics;

/* The passes of one instruction set. `unit` multiplies float64 entries before they are squared. */
typedef struct {
    Statistics (*measure)(const void *entries, int64_t count, enum Type, enum What, double unit);
    void (*scale)(void *entries, int64_t count, enum Type, double factor);
} Passes;

extern const Passes gradclip_baseline;
#ifdef GRADCLIP_X86
extern const Passes gradclip_avx2;
#endif

#endif
