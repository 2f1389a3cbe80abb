"""PyTorch's attention on the inputs of `fovea bench --suite gpu`, one measurement a command.

peers.py FILE, which holds the answer of `fovea bench --paced` to `list`. Reads lines from stdin: `run PEER:CASE ROUNDS`, `quit`;
answers with a line of JSON. PEER is cudnn, flash, efficient, flex or copy; ceiling:bf16 and ceiling:f32 are what the card's
matrix and FMA units do.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

import normal_data

ROUND_SECONDS = 0.04
MOST_CALLS = 1000
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}
SDPA = {
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
}
DEVICE = "cuda"
QUERY, KEY, VALUE = 1, 2, 3


class Inputs:
    """One run of random numbers for each role and type, which all cases view."""

    def __init__(self):
        self.flat = {}

    def view(self, role, dtype, *shape):
        count = 1
        for n in shape:
            count *= n
        have = self.flat.get((role, dtype))
        if have is None or have.numel() < count:
            have = self.flat[role, dtype] = self.make(role, dtype, count)
        return have[:count].view(*shape)

    @staticmethod
    def make(role, dtype, count):
        table = torch.tensor(normal_data.table(), dtype=torch.float64).float().to(DTYPES[dtype]).to(DEVICE)
        out = torch.empty((count + 3) // 4, 4, dtype=DTYPES[dtype], device=DEVICE)
        step = 1 << 22
        for start in range(0, out.shape[0], step):
            words = torch.arange(start, min(start + step, out.shape[0]), dtype=torch.int64, device=DEVICE)
            for j, pick in enumerate(normal_data.picks(role, words)):
                out[start:start + step, j] = table[pick]
        return out.view(-1)


class Attention:
    def __init__(self, peer, case, inputs):
        self.case = case
        self.q, self.k, self.v = (
            self.tensor(inputs, role, case[heads], case[positions], case[dim])
            for role, heads, positions, dim in (
                (QUERY, "heads", "queries", "headDim"), (KEY, "kvHeads", "keys", "headDim"),
                (VALUE, "kvHeads", "keys", "valueDim")))
        self.call = self.flex() if peer == "flex" else self.sdpa(SDPA[peer])
        self.expected = [self.reference(r) for r in case["rows"]]

    def tensor(self, inputs, role, heads, positions, dim):
        batch, dtype = self.case["batch"], self.case["dtype"]
        if self.case["bshd"]:
            return inputs.view(role, dtype, batch, positions, heads, dim).transpose(1, 2)
        return inputs.view(role, dtype, batch, heads, positions, dim)

    def sdpa(self, backend):
        causal = self.case["pairs"] == "causal"
        if self.case["pairs"] not in ("full", "causal") or causal and self.case["left"] >= 0:
            raise ValueError("no such mask")
        gqa = self.case["heads"] != self.case["kvHeads"]

        def call():
            return F.scaled_dot_product_attention(self.q, self.k, self.v, is_causal=causal, enable_gqa=gqa)

        def queued(n):
            with sdpa_kernel([backend]):
                for _ in range(n):
                    out = call()
            return out

        return queued

    def flex(self):
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        compiled = torch.compile(flex_attention, dynamic=False)
        score = mask = None
        if self.case["pairs"] == "bias":
            slope = self.case["slope"]
            score = lambda s, b, h, q, k: s + slope * (k - q)
        else:
            mask = create_block_mask(self.mask_rule(), None, None, self.case["queries"], self.case["keys"], device=DEVICE)

        def queued(n):
            for _ in range(n):
                out = compiled(self.q, self.k, self.v, score_mod=score, block_mask=mask)
            return out

        return queued

    def mask_rule(self):
        if self.case["pairs"] == "documents":
            ids = self.document_ids()
            return lambda b, h, q, k: ids[q] == ids[k]
        left = self.case["left"]
        return lambda b, h, q, k: (q >= k) & (q - k <= left)

    def document_ids(self):
        ends = torch.tensor(self.case["ends"], device=DEVICE)
        return torch.searchsorted(ends, torch.arange(self.case["keys"], device=DEVICE), right=True)

    def reference(self, row):
        b, h, q = row["b"], row["h"], row["q"]
        c = self.case
        kv = h // (c["heads"] // c["kvHeads"])
        scale = torch.tensor(c["headDim"] ** -0.5).item()  # in f32, as attention has it
        s = scale * (self.k[b, kv].double() @ self.q[b, h, q].double())
        at = torch.arange(c["keys"], device=DEVICE)
        if c["pairs"] == "bias":
            s = s + c["slope"] * (at - q).double()
        if c["pairs"] == "causal":
            hidden = (at > q) | ((q - at > c["left"]) if c["left"] >= 0 else torch.zeros_like(at, dtype=torch.bool))
            s = s.masked_fill(hidden, -torch.inf)
        if c["pairs"] == "documents":
            ids = self.document_ids()
            s = s.masked_fill(ids != ids[q], -torch.inf)
        return torch.softmax(s, 0) @ self.v[b, kv].double()

    def error(self, out):
        off = torch.stack([(out[r["b"], r["h"], r["q"]].double() - e).abs()
                           for r, e in zip(self.case["rows"], self.expected)])
        return {"checkedRows": len(self.expected), "maxError": off.max().item(),
                "rmsError": off.square().mean().sqrt().item()}


class Copy:
    def __init__(self, case, inputs):
        self.source = inputs.view(VALUE, "f32", case["queries"] * case["keys"])
        self.target = torch.empty_like(self.source)

    def call(self, n):
        for _ in range(n):
            self.target.copy_(self.source)

    def error(self, _):
        return {} if torch.equal(self.source, self.target) else {"failed": "the copy differs"}


class Ceiling:
    """Operations a second that the card can do: `flops` are of one call."""

    def __init__(self, unit):
        self.how = "cuBLAS"
        n = 8192
        self.flops = 2.0 * n ** 3
        dtype = torch.bfloat16 if unit == "bf16" else torch.float32
        a, b = (torch.randn(n, n, device=DEVICE, dtype=dtype) for _ in range(2))
        out = torch.empty(n, n, device=DEVICE, dtype=dtype)
        self.one = lambda: torch.mm(a, b, out=out)
        if unit == "f32":
            try:
                import fma_ceiling
                self.one, self.flops = fma_ceiling.prepare()
                self.how = "Triton, independent chains of FMA"
            except Exception as e:  # Triton needs a compiler; the product of matrices is the next best
                self.how = f"cuBLAS ({type(e).__name__})"

    def call(self, n):
        for _ in range(n):
            self.one()

    def error(self, _):
        return {"flops": self.flops, "how": self.how}


class Peers:
    def __init__(self, file):
        self.file = file
        self.inputs = Inputs()
        self.ready = {}

    def case(self, name):
        with open(self.file) as file:  # it grows
            return next(c for c in json.load(file)["cases"] if c["case"] == name)

    def prepare(self, name):
        peer, _, case = name.partition(":")
        if peer == "ceiling":
            return Ceiling(case)
        if peer == "copy":
            return Copy(self.case(case), self.inputs)
        return Attention(peer, self.case(case), self.inputs)

    def run(self, name, rounds):
        if name not in self.ready:
            work = self.prepare(name)
            timed(work, 3)
            one = timed(work, 3)[0] / 3
            self.ready[name] = work, max(1, min(MOST_CALLS, round(ROUND_SECONDS / one)))
        work, calls = self.ready[name]
        seconds = []
        for _ in range(rounds):
            timed(work, 1)
            took, out = timed(work, calls)
            seconds.append(took / calls)
        return {"case": name, "calls": calls, "seconds": seconds, **work.error(out)}


def timed(work, n):
    start = time.perf_counter()
    out = work.call(n)
    torch.cuda.synchronize()
    return time.perf_counter() - start, out


def main():
    torch.backends.cuda.matmul.allow_tf32 = False
    peers = Peers(sys.argv[1])
    answers = sys.stdout
    sys.stdout = sys.stderr  # compilers print
    with torch.no_grad():
        for line in sys.stdin:
            words = line.split()
            if words == ["quit"]:
                return
            if words == ["list"]:
                answer = {"name": torch.cuda.get_device_name(), "torch": torch.__version__, "cuda": torch.version.cuda,
                          "cudnn": torch.backends.cudnn.version()}
            else:
                try:
                    answer = peers.run(words[1], int(words[2]))
                except Exception as e:
                    answer = {"case": words[1] if len(words) > 1 else "", "failed": f"{type(e).__name__}: {str(e)[:300]}"}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
