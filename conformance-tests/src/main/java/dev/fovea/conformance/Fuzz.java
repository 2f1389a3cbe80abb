package dev.fovea.conformance;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Random cases, and the smallest relative of a failing one. */
public final class Fuzz {
    private Fuzz() {}

    /** A case with any options, of up to some hundred positions. */
    public static AttentionCase random(SplittableRandom r) {
        int hk = 1 + r.nextInt(3);
        int group = 1 + r.nextInt(4);
        int hq = hk * group;
        int hv = pick(r, hk, 1, hq);
        boolean past = r.nextInt(3) == 0;
        String text = "b=" + (1 + r.nextInt(3)) + " hq=" + hq + " hk=" + hk + " hv=" + hv
                + " sq=" + length(r) + " sk=" + length(r)
                + " past=" + (past ? 1 + r.nextInt(70) : 0)
                + " d=" + pick(r, 16, 32, 33, 64, 128) + " dv=" + pick(r, 16, 32, 64, 100)
                + word(r, "dtype=f16", "dtype=bf16", "", "")
                + word(r, "layout=bshd", "")
                + word(r, "causal", "")
                + (r.nextInt(3) == 0 ? " left=" + r.nextInt(40) : "")
                + (r.nextInt(3) == 0 ? " right=" + r.nextInt(40) : "")
                + word(r, "", "", "offset=bottom-right", "offset=past", "offset=per-batch", "offset=per-head")
                + word(r, "", "", "softcap=" + (0.1f + r.nextInt(50)))
                + word(r, "", "", "mask=full", "mask=plane", "mask=keys", "mask=rows", "mask=short")
                + word(r, "", "", "", "bias=full", "bias=plane", "bias=keys", "bias=rows", "bias=short")
                + word(r, "", "", "alibi")
                + word(r, "", "", "sink")
                + word(r, "", "", "lengths=per-batch", "lengths=per-head")
                + word(r, "", "", "", "", "scores=raw", "scores=capped", "scores=masked", "scores=probability")
                + word(r, "", "", "", "amplitude=10", "amplitude=0.1", "scale=-0.2")
                + word(r, "", "", "", "", "special=poison-masked", "special=nan-visible")
                + " seed=" + r.nextInt(1_000_000);
        return AttentionCase.parse(text);
    }

    private static int length(SplittableRandom r) {
        return switch (r.nextInt(4)) {
            case 0 -> r.nextInt(8);
            case 1 -> 31 + r.nextInt(3);
            case 2 -> r.nextInt(70);
            default -> r.nextInt(150);
        };
    }

    private static int pick(SplittableRandom r, int... choices) {
        return choices[r.nextInt(choices.length)];
    }

    private static String word(SplittableRandom r, String... choices) {
        return " " + choices[r.nextInt(choices.length)];
    }

    /** A simpler case that still fails: options taken away and sizes halved, as long as the predicate holds. */
    public static AttentionCase shrink(AttentionCase failing, Predicate<AttentionCase> fails) {
        AttentionCase best = failing;
        boolean progress = true;
        while (progress) {
            progress = false;
            for (String change : changes(best)) {
                AttentionCase simpler = best.with(change);
                if (!simpler.equals(best) && fails.test(simpler)) {
                    best = simpler;
                    progress = true;
                    break;
                }
            }
        }
        return best;
    }

    private static List<String> changes(AttentionCase c) {
        return List.of(
                "b=1",
                "hq=1 hk=1 hv=1",
                "hk=" + c.hq() + " hv=" + c.hq(),
                "past=0",
                "special=none",
                "scores=none",
                "expr=0",
                "menu=none",
                "select=all",
                "source=dense",
                "packed=false",
                "positions=false",
                "rotary=none",
                "kv=same",
                "parts=0",
                "weight=none",
                "finish=none",
                "norm=softmax",
                "mask=none",
                "bias=none",
                "alibi=false",
                "sink=false",
                "lengths=none",
                "softcap=0",
                "causal=false",
                "left=-1",
                "right=-1",
                "offset=top-left",
                "layout=bhsd",
                "dtype=f32",
                "amplitude=1",
                "scale=0",
                "sq=" + c.sq() / 2,
                "sq=" + Math.max(0, c.sq() - 1),
                "sk=" + c.sk() / 2,
                "sk=" + Math.max(0, c.sk() - 1),
                "past=" + c.past() / 2,
                "d=" + Math.max(1, c.d() / 2),
                "dv=" + Math.max(1, c.dv() / 2),
                "seed=1");
    }
}
