"""The table: what is measured against what, and what it should come to."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is the fastest opponent's time by ours, so that more is better.

    case       of `fovea bench --suite gpu`
    against    opponents: `cudnn` and so on are PyTorch's, `own:CASE` is another case of ours
    goal       least ratio; None = for information
    engine     FOVEA_ENGINE of our process; "" leaves the choice to Fovea
    processes  the ratio is the median of so many pairs of processes
    """
    case: str
    against: tuple
    goal: float | None
    engine: str = ""
    processes: int = 1

    @property
    def name(self):
        return self.case + (f" [{self.engine}]" if self.engine else "")


def _plain():
    for case, full, causal, processes in (
            ("16k-128", 1.10, 1.15, 1), ("4k-128", 1.05, 1.08, 1), ("1k-128", 1.02, 1.05, 3),
            ("16k-64", 1.18, 1.15, 1), ("1k-64", 1.0, 1.0, 3)):
        yield Row(case + "-full", ("cudnn",), full, processes=processes)
        yield Row(case + "-causal", ("cudnn",), causal, processes=processes)


BEST = ("cudnn", "flash", "efficient")

ROWS = [
    *_plain(),
    *(Row(r.case + "-options", ("own:" + r.case,), 1 / 1.03) for r in _plain()),
    Row("8k-256-causal", BEST, 1.0),
    Row("8k-192-128-causal", BEST, 1.0),
    Row("f32-4k-64-full", ("efficient",), 3.5),
    Row("f32-4k-64-causal", ("efficient",), 3.5),
    Row("f32-4k-128-full", ("efficient",), 2.8),
    Row("f32-4k-64-full", ("efficient",), 1.25, engine="fma"),
    Row("16k-128-full", ("flash",), 1.25, engine="mma.sync"),
    Row("8k-128-bias", ("flex",), 1.35),
    Row("8k-128-window", ("flex",), 1 / 0.7),
    Row("8k-128-documents", ("flex",), 1.2),
    Row("copy", ("copy",), None),
    Row("decode-bf16", ("flash",), 1.0),
    Row("decode-f16", ("flash",), 1.0),
    Row("decode-int8", ("own:decode-bf16",), 1.6),
    Row("host", (), None),
]

# Error by the opponent's, where that computes the same in the same type.
MAX_ERROR = 1.25
RMS_ERROR = 1.05

# Of the row named, beyond its ratio.
DECODE = "decode-bf16"
DECODE_OF_COPY = 0.95
HOST_CALL = 12e-6
HOST_WAITED_OVER_EVENT = 20e-6
