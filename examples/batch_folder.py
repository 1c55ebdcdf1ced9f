"""A folder of pictures and videos in a style, with progress of your own.

    python examples/batch_folder.py SRC DST [--style udnie] [--workers 2]

The same as `artrt batch`: run it again and it continues where it was stopped.
"""

from __future__ import annotations

import argparse

from artrt import Look, Outcome, Work, run_batch

# %% What to tell about each file -------------------------------------------------------------------------------------


def tell(outcome: Outcome, done: int, total: int) -> None:
    """One line for a file."""
    if outcome.done is None:
        print(f"[{done}/{total}] left out: {outcome.error}")
    else:
        print(f"[{done}/{total}] {outcome.job.output.name} in {outcome.done.seconds:.2f} s")


# %% The batch; its workers are processes, so this must stand below `if __name__ == "__main__"` ------------------------


def main() -> None:
    """Does the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("destination")
    parser.add_argument("--style", default="udnie")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    work = Work(Look(options.style, steady=False), workers=options.workers)
    result = run_batch(options.source, options.destination, work=work, on_outcome=tell)
    print(f"{len(result.done)} done, {len(result.failed)} failed, {result.skipped} done before")


if __name__ == "__main__":
    main()
