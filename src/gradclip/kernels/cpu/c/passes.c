/* The passes over a run of entries, compiled once for each instruction set: PASSES names the result,
 * WIDTH is the number of doubles in a register.
 *
 * Squares of float32 and narrower numbers are exact in float64 and cannot overflow there. Sums are
 * kept in 32 lanes whatever the register's width, folded every 2,048 entries: the result has the
 * same bits on every machine, and no number of equal entries makes it drift. (AVX-512 was tried: it
 * is slower than AVX2 where a register is worked on in two halves.)
 */
#include "passes.h"

#include <float.h>
#include <math.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define LANES 32
#define ROWS 64
#define BLOCK (LANES * ROWS)
#define REGISTERS (LANES / WIDTH)

typedef double Doubles __attribute__((vector_size(8 * WIDTH)));
typedef float Floats __attribute__((vector_size(4 * WIDTH)));
typedef int64_t Longs __attribute__((vector_size(8 * WIDTH)));
typedef int32_t Ints __attribute__((vector_size(8 * WIDTH)));
#define INTS (2 * WIDTH) /* in a register */

static const int32_t INFINITE = 0x7f800000;
static const int64_t INFINITE_LONG = 0x7ff0000000000000;

typedef struct {
    Doubles squares[REGISTERS];
    Ints largest, zeros;        /* magnitudes as integers: their order is the floats', NaN on top */
    Longs largest_long, zeros_long;
} Sums;

#define INLINE static inline __attribute__((always_inline))

INLINE Doubles widened(const float *p) {
#if defined(__AVX2__) && WIDTH == 4
    return (Doubles)_mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    Floats x;
    memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, Doubles);
#endif
}

/* GCC 12 makes five instructions of this where there is one, and likewise above. */
INLINE Ints larger_ints(Ints a, Ints b) {
#if defined(__AVX2__) && WIDTH == 4
    return (Ints)_mm256_max_epi32((__m256i)a, (__m256i)b);
#else
    Ints more = a > b;
    return (a & more) | (b & ~more);
#endif
}

INLINE void add_squares(Sums *sums, const Doubles *block) {
    for (int k = 0; k < REGISTERS; k++) sums->squares[k] += block[k];
}

INLINE void block32(Sums *sums, const float *p, int64_t count, enum What what) {
    Doubles squares[REGISTERS] = {0};
    Ints largest = sums->largest, zeros = sums->zeros;
    for (int64_t i = 0; i < count; i += LANES) {
        if (what != LARGEST) {
            for (int k = 0; k < REGISTERS; k++) {
                Doubles wide = widened(p + i + k * WIDTH);
                squares[k] += wide * wide;
            }
        }
        if (what != SQUARES) {
            for (int k = 0; k < LANES / INTS; k++) {
                Ints bits;
                memcpy(&bits, p + i + k * INTS, sizeof bits);
                bits &= 0x7fffffff;
                largest = larger_ints(largest, bits);
                if (what == EVERYTHING) zeros -= bits == 0;
            }
        }
    }
    sums->largest = largest;
    sums->zeros = zeros;
    if (what != LARGEST) add_squares(sums, squares);
}

INLINE void block64(Sums *sums, const double *p, int64_t count, enum What what, double unit) {
    Doubles squares[REGISTERS] = {0};
    Longs largest = sums->largest_long, zeros = sums->zeros_long;
    for (int64_t i = 0; i < count; i += LANES) {
        for (int k = 0; k < REGISTERS; k++) {
            Doubles x;
            Longs bits;
            memcpy(&x, p + i + k * WIDTH, sizeof x);
            memcpy(&bits, &x, sizeof bits);
            if (what != LARGEST) squares[k] += (x * unit) * (x * unit);
            if (what != SQUARES) {
                bits &= 0x7fffffffffffffff;
                Longs more = bits > largest;
                largest = (bits & more) | (largest & ~more);
                if (what == EVERYTHING) zeros -= bits == 0;
            }
        }
    }
    sums->largest_long = largest;
    sums->zeros_long = zeros;
    if (what != LARGEST) add_squares(sums, squares);
}

INLINE float as_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint32_t as_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE void widen(float *to, const uint16_t *from, int64_t count, enum Type type) {
    if (type == BFLOAT16) {
        for (int64_t i = 0; i < count; i++) to[i] = as_float((uint32_t)from[i] << 16);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        uint32_t magnitude = from[i] & 0x7fff, sign = (uint32_t)(from[i] & 0x8000) << 16;
        uint32_t normal = (magnitude << 13) + (112u << 23);
        uint32_t infinite = (magnitude << 13) | 0x7f800000;
        uint32_t denormal = as_bits((float)(int32_t)magnitude * 0x1p-24f);
        uint32_t finite = magnitude < 0x400 ? denormal : normal;
        to[i] = as_float((magnitude < 0x7c00 ? finite : infinite) | sign);
    }
}

/* Round to nearest, ties to even. */
INLINE void narrow(uint16_t *to, const float *from, int64_t count, enum Type type) {
    if (type == BFLOAT16) {
        for (int64_t i = 0; i < count; i++) {
            uint32_t bits = as_bits(from[i]);
            uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
            uint32_t nan = (bits >> 16) | 0x40;
            to[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
        }
        return;
    }
    const float shift = as_float(((127u - 15) + (23 - 10) + 1) << 23); /* its ulp: half's denormal */
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = as_bits(from[i]) & 0x7fffffff, sign = (as_bits(from[i]) >> 16) & 0x8000;
        uint32_t normal = (bits - (112u << 23) + 0xfff + ((bits >> 13) & 1)) >> 13;
        uint32_t denormal = as_bits(as_float(bits) + shift) - as_bits(shift);
        uint32_t infinite = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
        uint32_t finite = bits < (113u << 23) ? denormal : normal;
        to[i] = (uint16_t)((bits < (143u << 23) ? finite : infinite) | sign);
    }
}

INLINE void block(Sums *sums, const char *p, int64_t count, enum Type type, enum What what,
                  double unit) {
    float wide[BLOCK];
    switch (type) {
    case FLOAT32: block32(sums, (const float *)p, count, what); break;
    case FLOAT64: block64(sums, (const double *)p, count, what, unit); break;
    default:
        widen(wide, (const uint16_t *)p, count, type);
        block32(sums, wide, count, what);
    }
}

INLINE int64_t size_of(enum Type type) {
    return type == FLOAT64 ? 8 : type == FLOAT32 ? 4 : 2;
}

static int64_t count_nonfinite(const char *p, int64_t count, enum Type type) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t bits64;
        int32_t bits32;
        uint16_t bits16;
        switch (type) {
        case FLOAT64:
            memcpy(&bits64, p + 8 * i, 8);
            found += (bits64 & INFINITE_LONG) == INFINITE_LONG;
            break;
        case FLOAT32:
            memcpy(&bits32, p + 4 * i, 4);
            found += (bits32 & INFINITE) == INFINITE;
            break;
        default:
            memcpy(&bits16, p + 2 * i, 2);
            found += type == BFLOAT16 ? (bits16 & 0x7f80) == 0x7f80 : (bits16 & 0x7c00) == 0x7c00;
        }
    }
    return found;
}

INLINE Statistics gather(const Sums *sums, enum Type type, enum What what, int64_t padding) {
    Statistics found = {0};
    double lanes[LANES];
    memcpy(lanes, sums->squares, sizeof lanes);
    for (int step = LANES / 2; step; step /= 2)
        for (int k = 0; k < step; k++) lanes[k] += lanes[k + step];
    found.squares = lanes[0];
    if (what == SQUARES) return found;
    if (type == FLOAT64) {
        int64_t largest = 0;
        for (int k = 0; k < WIDTH; k++) {
            largest = sums->largest_long[k] > largest ? sums->largest_long[k] : largest;
            found.zeros += (double)sums->zeros_long[k];
        }
        memcpy(&found.largest, &largest, sizeof largest);
    } else {
        int32_t largest = 0;
        for (int k = 0; k < INTS; k++) {
            largest = sums->largest[k] > largest ? sums->largest[k] : largest;
            found.zeros += sums->zeros[k];
        }
        found.largest = as_float((uint32_t)largest);
    }
    found.zeros -= what == EVERYTHING ? (double)padding : 0;
    return found;
}

INLINE Statistics pass(const char *p, int64_t count, enum Type type, enum What what, double unit) {
    Sums sums = {0};
    int64_t whole = count / LANES * LANES, size = size_of(type);
    for (int64_t i = 0; i < whole; i += BLOCK) {
        int64_t length = whole - i < BLOCK ? whole - i : BLOCK;
        block(&sums, p + i * size, length, type, what, unit);
    }
    int64_t rest = count - whole;
    if (rest) {
        char padded[LANES * 8] __attribute__((aligned(64))) = {0};
        memcpy(padded, p + whole * size, (size_t)(rest * size));
        block(&sums, padded, LANES, type, what, unit);
    }
    Statistics found = gather(&sums, type, what, rest ? LANES - rest : 0);
    if (what == EVERYTHING && !(found.largest < __builtin_inf()))
        found.nonfinite = (double)count_nonfinite(p, count, type);
    return found;
}

#define ONE(T) \
    switch (what) { \
    case SQUARES: return pass(p, count, T, SQUARES, unit); \
    case LARGEST: return pass(p, count, T, LARGEST, unit); \
    default: return pass(p, count, T, EVERYTHING, unit); \
    }

static Statistics measure(const void *entries, int64_t count, enum Type type, enum What what,
                          double unit) {
    const char *p = entries;
    switch (type) {
    case FLOAT32: ONE(FLOAT32)
    case FLOAT64: ONE(FLOAT64)
    case FLOAT16: ONE(FLOAT16)
    default: ONE(BFLOAT16)
    }
}

/* Multiply; 16-bit entries in float32, and float32 ones too unless it would lose digits of the
 * factor. */
static void scale(void *entries, int64_t count, enum Type type, double factor) {
    if (factor == 0) { /* 0 times inf is NaN */
        memset(entries, 0, (size_t)(count * size_of(type)));
        return;
    }
    float *floats = entries, wide[BLOCK];
    double *doubles = entries;
    uint16_t *halves = entries;
    switch (type) {
    case FLOAT32:
        if (fabs(factor) < FLT_MIN)
            for (int64_t i = 0; i < count; i++) floats[i] = (float)(floats[i] * factor);
        else
            for (int64_t i = 0; i < count; i++) floats[i] *= (float)factor;
        break;
    case FLOAT64:
        for (int64_t i = 0; i < count; i++) doubles[i] *= factor;
        break;
    default:
        for (int64_t i = 0; i < count; i += BLOCK) {
            int64_t length = count - i < BLOCK ? count - i : BLOCK;
            if (type == BFLOAT16) widen(wide, halves + i, length, BFLOAT16);
            else widen(wide, halves + i, length, FLOAT16);
            for (int64_t k = 0; k < length; k++) wide[k] = (float)(wide[k] * factor);
            if (type == BFLOAT16) narrow(halves + i, wide, length, BFLOAT16);
            else narrow(halves + i, wide, length, FLOAT16);
        }
    }
}

const Passes PASSES = {measure, scale};
