"""`python -m benchmarks.gpu`: measure clipping on the GPU, and write Markdown and JSON.

First how fast the device reads, then whether the results are right, then every list of shapes in
float32 and bfloat16 with nothing to clip and clipping, then clipping folded into a fused AdamW.
Without a GPU it says so and ends.
"""

import argparse
import os
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
_SECONDS = 6.0  # a row


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="tiny lists, interpreted on the CPU")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for each row")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write to")
    options = parser.parse_args()
    if options.smoke:
        os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
    # The rest after that, and only where there is PyTorch.
    import torch  # noqa: PLC0415

    if not options.smoke and not torch.cuda.is_available():
        sys.stdout.write("not run: no GPU\n")
        return
    from benchmarks.gpu.run import run  # noqa: PLC0415

    run(smoke=options.smoke, seconds=options.seconds, folder=options.results)


if __name__ == "__main__":
    main()
