"""Compiles the passes for devices that are not there, and says what is in the result.

A program of its own: where TRITON_INTERPRET is set nothing can be compiled.
"""

import itertools
import json
import re
import sys

import triton.language as tl
from triton import compile as compiled
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gradclip.kernels.cuda import CHUNK, launch, passes

TABLES = {"addresses": "*i64", "lengths": "*i64", "owners": "*i32", "offsets": "*i32"}
PARTIAL = {"squares": "*fp64", "largest": "*i32", "nonfinite": "*i32", "zeros": "*i32"}
FINISH = {
    **PARTIAL, "starts": "*i32", "ends": "*i32", "numbers": "*fp64", "counts": "*i64",
    "wide": "*fp64", "narrow": "*fp32", "limit": "*fp32", "unit": "*fp32",
    "num_tensors": "i32", "num_chunks": "i32",
}  # fmt: skip


def programs(kind):
    """Every pass with its arguments' types and its constants."""
    sizes = {"TYPE": kind, "CHUNK": CHUNK, "BLOCK": launch._BLOCK}
    yield passes.measure, {**TABLES, **PARTIAL, "first": "i32"}, {**sizes, "ROWS": launch._ROWS}
    for each in (False, True):
        yield passes.scale, {**TABLES, "factors": "*fp64", "last": "i32"}, {**sizes, "EACH": each}
    for largest in (False, True):
        yield passes.finish, FINISH, {"LARGEST": largest, "BLOCK": 1024}


def look(function, types, constants, capability):
    """Compile one, and return what counts."""
    signature = {name: types.get(name, "constexpr") for name in function.arg_names}
    aligned = {
        (i,): [["tt.divisibility", 16]]
        for i, name in enumerate(function.arg_names)
        if signature[name].startswith("*")
    }
    source = ASTSource(function, signature, constants, aligned)
    made = compiled(
        source, target=GPUTarget("cuda", capability, 32), options={"num_warps": launch._WARPS}
    )
    code = made.asm["ptx"]
    return {
        "name": function.__name__,
        "capability": capability,
        "flushes": len(re.findall(r"\.ftz", code)),
        "approximates": len(re.findall(r"\.approx", code)),
        "wide_loads": len(re.findall(r"ld\.global\.v4", code)),
        "atomics": len(re.findall(r"\b(atom|red)\.", code)),
        "bytes": len(made.asm["cubin"]),
    }


def everything():
    """The three types for one device, and float32 for others."""
    for kind in (tl.float32, tl.float16, tl.bfloat16):
        yield from ((*program, 90) for program in programs(kind))
    for capability in (75, 80, 100):
        yield from ((*program, capability) for program in itertools.islice(programs(tl.float32), 2))


if __name__ == "__main__":
    json.dump([look(*program) for program in everything()], sys.stdout)
