"""What the FMA units of the card do: eight independent chains an element, by Triton."""
import torch
import triton
import triton.language as tl

BLOCK = 1024
CHAINS = 8
PROGRAMS = 132 * 64
STEPS = 2048


@triton.jit
def chains(out, steps, size: tl.constexpr):
    at = tl.program_id(0) * size + tl.arange(0, size)
    x = at.to(tl.float32) * 1e-9
    a, b, c, d = x, x + 1.0, x + 2.0, x + 3.0
    e, f, g, h = x + 4.0, x + 5.0, x + 6.0, x + 7.0
    for _ in range(steps):
        a = a * x + 0.5
        b = b * x + 0.5
        c = c * x + 0.5
        d = d * x + 0.5
        e = e * x + 0.5
        f = f * x + 0.5
        g = g * x + 0.5
        h = h * x + 0.5
    tl.store(out + at, a + b + c + d + e + f + g + h)


def prepare():
    """A call, and its operations."""
    out = torch.empty(PROGRAMS * BLOCK, device="cuda")
    call = lambda: chains[(PROGRAMS,)](out, STEPS, size=BLOCK, num_warps=4)
    call()
    torch.cuda.synchronize()
    return call, 2.0 * CHAINS * STEPS * PROGRAMS * BLOCK
