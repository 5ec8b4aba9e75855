"""The passes over tensors on a device, in Triton's language.

Every program reads or writes one chunk, and writes what it finds to a place of its own: nothing is
added up in whatever order programs end, so the results have the same bits at each repetition.

Magnitudes are compared as integers, whose order is the floats' with NaN on top, which costs one
instruction and does not care about NaN or denormals. Squares are added up in float32 over at most
`ROWS` entries of a lane and in float64 from there on, since most devices have little float64. Two
such sums side by side keep more reading under way: bfloat16 at the speed of the memory.
"""

import triton
import triton.language as tl

from gradclip.kernels.cuda.layout import Type

TYPES = {Type.FLOAT32: tl.float32, Type.FLOAT16: tl.float16, Type.BFLOAT16: tl.bfloat16}

_MAGNITUDE = tl.constexpr(0x7FFFFFFF)
_INFINITE = tl.constexpr(0x7F800000)
_LARGE = tl.constexpr((60 + 127) << 23)  # 2**60: 8 squares of it fit into float32
_LEAST_MEAN = tl.constexpr(2e-31)  # of squares; below it float32 loses some that count: 2**-126
_LEAST_FACTOR = tl.constexpr(2.0**-126)  # below it a factor in float32 loses digits


@triton.jit
def _first(address, offset, TYPE: tl.constexpr, CHUNK: tl.constexpr):
    """Return a pointer to a chunk's first entry."""
    return address.to(tl.pointer_type(TYPE)) + offset.to(tl.int64) * CHUNK


@triton.jit
def _count(length, offset, CHUNK: tl.constexpr):
    """Return the number of a chunk's entries."""
    return tl.minimum(length - offset.to(tl.int64) * CHUNK, CHUNK).to(tl.int32)


@triton.jit
def _first_aligned(address, offset, TYPE: tl.constexpr, CHUNK: tl.constexpr):
    """Return a pointer to a chunk's first entry, at a multiple of 16 as the compiler is told.

    Then several entries are loaded by one instruction. The mark belongs to this conversion alone:
    it would hold for unaligned addresses as well if they were converted together.
    """
    first = tl.multiple_of(address.to(tl.pointer_type(TYPE)), 16)
    return first + offset.to(tl.int64) * CHUNK


@triton.jit
def _add(x, squares, largest, zeros):
    """Return sums with some entries added."""
    wide = x.to(tl.float32)
    bits = wide.to(tl.int32, bitcast=True) & _MAGNITUDE
    return squares + wide * wide, tl.maximum(largest, bits), zeros + (bits == 0).to(tl.int32)


@triton.jit
def _read(entries, count, BLOCK: tl.constexpr, ROWS: tl.constexpr):
    """Return the sum of squares, the largest magnitude's bits and the number of zeros."""
    lanes = tl.arange(0, BLOCK)
    squares = tl.zeros([BLOCK], tl.float64)
    largest = tl.zeros([BLOCK], tl.int32)
    zeros = tl.zeros([BLOCK], tl.int32)
    whole = count // (2 * BLOCK * ROWS) * (2 * BLOCK * ROWS)
    for start in range(0, whole, 2 * BLOCK * ROWS):
        even = tl.zeros([BLOCK], tl.float32)
        odd = tl.zeros([BLOCK], tl.float32)
        for row in tl.static_range(ROWS):
            x = tl.load(entries + start + 2 * row * BLOCK + lanes)
            even, largest, zeros = _add(x, even, largest, zeros)
            y = tl.load(entries + start + (2 * row + 1) * BLOCK + lanes)
            odd, largest, zeros = _add(y, odd, largest, zeros)
        squares += even.to(tl.float64) + odd.to(tl.float64)
    even = tl.zeros([BLOCK], tl.float32)
    odd = tl.zeros([BLOCK], tl.float32)
    for start in range(whole, count, 2 * BLOCK):
        x = tl.load(entries + start + lanes, mask=start + lanes < count, other=0.0)
        even, largest, zeros = _add(x, even, largest, zeros)
        second = start + BLOCK + lanes
        y = tl.load(entries + second, mask=second < count, other=0.0)
        odd, largest, zeros = _add(y, odd, largest, zeros)
    squares += even.to(tl.float64) + odd.to(tl.float64)
    padding = (2 * BLOCK - count % (2 * BLOCK)) % (2 * BLOCK)
    return tl.sum(squares, 0), tl.max(largest, 0), tl.sum(zeros, 0) - padding


@triton.jit
def _read_again(entries, count, BLOCK: tl.constexpr):
    """Return the sum of squares, which float32 cannot hold, and the number of non-finite ones."""
    lanes = tl.arange(0, BLOCK)
    squares = tl.zeros([BLOCK], tl.float64)
    nonfinite = tl.zeros([BLOCK], tl.int32)
    for start in range(0, count, BLOCK):
        x = tl.load(entries + start + lanes, mask=start + lanes < count, other=0.0)
        narrow = x.to(tl.float32)
        bits = narrow.to(tl.int32, bitcast=True) & _MAGNITUDE
        nonfinite += (bits >= _INFINITE).to(tl.int32)
        wide = narrow.to(tl.float64)
        squares += wide * wide
    return tl.sum(squares, 0), tl.sum(nonfinite, 0)


@triton.jit(do_not_specialize=["first"])
def measure(
    addresses, lengths, owners, offsets,
    squares, largest, nonfinite, zeros,
    first,
    TYPE: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Read one chunk of a tensor, and write what is found to the chunk's place."""
    chunk = first + tl.program_id(0)
    owner = tl.load(owners + chunk)
    address = tl.load(addresses + owner)
    offset = tl.load(offsets + chunk)
    count = _count(tl.load(lengths + owner), offset, CHUNK)
    entries = _first(address, offset, TYPE, CHUNK)
    if address % 16 == 0:
        at = _first_aligned(address, offset, TYPE, CHUNK)
        total, peak, none = _read(at, count, BLOCK, ROWS)
    else:
        total, peak, none = _read(entries, count, BLOCK, ROWS)
    bad = 0
    if (peak > _LARGE) | ((peak > 0) & (total < count * _LEAST_MEAN)):
        total, bad = _read_again(entries, count, BLOCK)
    tl.store(squares + chunk, total)
    tl.store(largest + chunk, peak)
    tl.store(nonfinite + chunk, bad)
    tl.store(zeros + chunk, none)


@triton.jit
def _sum_up(squares, largest, start, end, BLOCK: tl.constexpr):
    """Return the sum of squares and the largest magnitude, in float64, of chunks in order."""
    lanes = tl.arange(0, BLOCK)
    total = tl.zeros([BLOCK], tl.float64)
    peak = tl.zeros([BLOCK], tl.int32)
    for at in range(start, end, BLOCK):
        mask = at + lanes < end
        total += tl.load(squares + at + lanes, mask=mask, other=0.0)
        peak = tl.maximum(peak, tl.load(largest + at + lanes, mask=mask, other=0))
    return tl.sum(total, 0), tl.max(peak, 0).to(tl.float32, bitcast=True).to(tl.float64)


@triton.jit
def _count_up(counts, start, end, BLOCK: tl.constexpr):
    """Return the sum of counts of chunks."""
    lanes = tl.arange(0, BLOCK)
    total = tl.zeros([BLOCK], tl.int64)
    for at in range(start, end, BLOCK):
        found = tl.load(counts + at + lanes, mask=at + lanes < end, other=0)
        total += found.to(tl.int64)
    return tl.sum(total, 0)


@triton.jit
def _decide(norm, limit):
    """Return the factor for all entries, and one over it, as `gradclip.core.decide` has it."""
    over = norm.to(tl.float32) > limit.to(tl.float32)
    above = tl.where(over, norm, 1.0)
    factor = tl.where(over, limit / above, 1.0)
    inverse = tl.where(over, above / limit, 1.0)
    infinite = limit == float("inf")
    settled = ((norm - norm == 0.0) | infinite) & (limit >= 0.0)
    nan = float("nan")
    return tl.where(settled, factor, nan), tl.where(settled, inverse, nan)


@triton.jit(do_not_specialize=["num_tensors", "num_chunks"])
def finish(
    starts, ends,
    squares, largest, nonfinite, zeros,
    numbers, counts, wide, narrow,
    limit, unit,
    num_tensors, num_chunks,
    LARGEST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Put one tensor's chunks together; the last program decides on all of them.

    It goes through the chunks itself, so that it need not wait for the other programs.
    """
    tensor = tl.program_id(0)
    if tensor < num_tensors:
        start, end = tl.load(starts + tensor), tl.load(ends + tensor)
        total, peak = _sum_up(squares, largest, start, end, BLOCK)
        tl.store(numbers + tensor, tl.sqrt(total))
        tl.store(numbers + num_tensors + tensor, peak)
        tl.store(counts + tensor, _count_up(nonfinite, start, end, BLOCK))
        tl.store(counts + num_tensors + tensor, _count_up(zeros, start, end, BLOCK))
    else:
        total, peak = _sum_up(squares, largest, 0, num_chunks, BLOCK)
        norm = peak if LARGEST else tl.sqrt(total)
        if unit is not None:
            norm = norm * tl.load(unit).to(tl.float64)
        factor, inverse = _decide(norm, tl.load(limit).to(tl.float64))
        tl.store(wide, norm)
        tl.store(wide + 1, factor)
        tl.store(narrow, norm.to(tl.float32))
        tl.store(narrow + 1, inverse.to(tl.float32))
        tl.store(narrow + 2, (norm - norm != 0.0).to(tl.float32))


@triton.jit
def _product(x, factor, rest):
    """Return entries times a factor, in the entries' type; 0 gives zeros, of inf and NaN too."""
    product = x.to(tl.float32) * factor * rest
    return tl.where(factor == 0.0, 0.0, product).to(x.dtype)


@triton.jit
def _write(entries, count, factor, rest, BLOCK: tl.constexpr):
    """Multiply a chunk in place."""
    lanes = tl.arange(0, BLOCK)
    whole = count // BLOCK * BLOCK
    for start in range(0, whole, BLOCK):
        at = entries + start + lanes
        tl.store(at, _product(tl.load(at), factor, rest))
    if whole < count:
        mask = whole + lanes < count
        at = entries + whole + lanes
        tl.store(at, _product(tl.load(at, mask=mask, other=0.0), factor, rest), mask=mask)


@triton.jit(do_not_specialize=["last"])
def scale(
    addresses, lengths, owners, offsets,
    factors,
    last,
    EACH: tl.constexpr, TYPE: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Multiply one chunk by its tensor's factor, or by the one of all; 1 leaves it alone.

    The chunks come in reverse: what the measuring pass read last may be in the cache still.
    """
    chunk = last - tl.program_id(0)
    owner = tl.load(owners + chunk)
    factor = tl.load(factors + owner) if EACH else tl.load(factors)
    if factor != 1.0:
        tiny = (factor != 0.0) & (factor < _LEAST_FACTOR)
        first = tl.where(tiny, _LEAST_FACTOR, factor)
        rest = (factor / tl.where(tiny, _LEAST_FACTOR, 1.0)).to(tl.float32)
        rest = tl.where(tiny, rest, 1.0)
        address = tl.load(addresses + owner)
        offset = tl.load(offsets + chunk)
        count = _count(tl.load(lengths + owner), offset, CHUNK)
        if address % 16 == 0:
            aligned = _first_aligned(address, offset, TYPE, CHUNK)
            _write(aligned, count, first.to(tl.float32), rest, BLOCK)
        else:
            entries = _first(address, offset, TYPE, CHUNK)
            _write(entries, count, first.to(tl.float32), rest, BLOCK)
