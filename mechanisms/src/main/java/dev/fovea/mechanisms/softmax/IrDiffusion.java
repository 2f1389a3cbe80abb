package dev.fovea.mechanisms.softmax;

import dev.fovea.api.Attention;
import dev.fovea.api.DType;
import dev.fovea.api.Names;
import dev.fovea.api.Operations;
import dev.fovea.api.Operations.Part;
import dev.fovea.api.Tensor;
import dev.fovea.mechanisms.Declaration;
import dev.fovea.mechanisms.Example;
import dev.fovea.mechanisms.Inputs;
import dev.fovea.mechanisms.Mechanism;
import dev.fovea.mechanisms.Parameter;
import dev.fovea.mechanisms.Port.Kind;
import dev.fovea.mechanisms.Sampler;
import dev.fovea.mechanisms.Values;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * IR-Diffusion: subjects of the target image do not see each other (isolation), and see their references moved to where they stand
 * (reposition).
 *
 * <pre>
 * ref_s: the reference box of subject s, resized bilinearly to the target box of s; hidden outside of it
 * O = softmax(q [k_ref; k]' / sqrt(D) where visible) [v_ref; v]
 * visible(i, j): i or j in no subject, or both in the same; a token of ref_s is in s
 * </pre>
 *
 * @param width tokens of a row of the grid, of target and references
 * @param isolateReferences whether a subject is kept from the references of others too
 */
public record IrDiffusion(int width, boolean isolateReferences) implements Mechanism {
    private static final Parameter<Integer> WIDTH =
            Parameter.integer("width", 64, 1, 1 << 15, "tokens of a row of the grid, of target and references");
    private static final Parameter<Boolean> ISOLATE_REFERENCES =
            Parameter.flag("isolate_references", true, "whether a subject is kept from the references of others too");

    private static final Declaration DECLARATION = Declaration.of(
                    "ir-diffusion",
                    "softmax",
                    "Improving Multi-Subject Consistency in Open-Domain Image Generation with Isolation and Reposition Attention")
            .equation("""
                    O = softmax(q [k_ref; k]' / sqrt(D) where visible) [v_ref; v]
                    ref_s: the reference box of subject s, resized bilinearly to the target box of s; hidden outside of it
                    visible(i, j): i or j in no subject, or both in the same; a token of ref_s is in s
                    """)
            .citation("He et al. 2024")
            .input("query", "B H N D", "queries of the target, N tokens of a grid row by row")
            .input("key", "B H N D", "keys of the target")
            .input("value", "B H N Dv", "values of the target")
            .input("reference_key", "C H N D", "keys of the reference image of each subject")
            .input("reference_value", "C H N Dv", "values of the references")
            .input("subject", Kind.I32, "B N", "0 no subject, 1..C the subject of a token", IrDiffusion::subjects)
            .input(
                    "target_box",
                    Kind.I32,
                    "B C 4",
                    "top, left, bottom, right; the last two exclusive",
                    IrDiffusion::boxes)
            .input("reference_box", Kind.I32, "C 4", "likewise, in the reference image", IrDiffusion::boxes)
            .output("output", "B H N Dv", "attention of the target")
            .parameter(WIDTH)
            .parameter(ISOLATE_REFERENCES)
            .note(
                    "Written from abstract and summary: keys and values are resized, not latents, with the centres of tokens"
                            + " matched and the border of the box repeated, and a subject does not see references of others.")
            .example("B=2 H=2 N=30 D=8 Dv=8 C=3; width=6")
            .example("B=1 H=1 N=42 D=4 Dv=12 C=3; width=6 isolate_references=false")
            .build();

    public IrDiffusion {
        WIDTH.check(width);
    }

    public IrDiffusion() {
        this(WIDTH.standard(), ISOLATE_REFERENCES.standard());
    }

    private static double[] subjects(SplittableRandom random, int count, Example e) {
        return Sampler.integers(0, e.size("C")).sample(random, count, e);
    }

    private static double[] boxes(SplittableRandom random, int count, Example e) {
        int width = Integer.parseInt(e.parameters().getOrDefault("width", WIDTH.standardText()));
        int height = e.size("N") / width;
        double[] x = new double[count];
        for (int i = 0; i < count; i += 2) {
            int size = i % 4 == 0 ? height : width;
            int extent = 2 + random.nextInt(size - 3);
            int first = 1 + random.nextInt(size - extent - 1);
            x[i / 4 * 4 + i % 4 / 2] = first;
            x[i / 4 * 4 + i % 4 / 2 + 2] = first + extent;
        }
        return x;
    }

    @Override
    public Declaration declaration() {
        return DECLARATION;
    }

    @Override
    public IrDiffusion with(Values parameters) {
        return new IrDiffusion(parameters.get(WIDTH), parameters.get(ISOLATE_REFERENCES));
    }

    @Override
    public Map<String, Tensor> compute(Operations ops, Inputs in) {
        int tokens = in.size("N");
        Inputs.require(tokens % width == 0, "N", "whole rows of width " + width, tokens);
        Tensor query = in.get("query");
        Tensor rows = places(ops, in, "d // width", 0);
        Tensor columns = places(ops, in, "d % width", 1);
        Names subject = Names.of("subject", in.get("subject"));
        Attention isolated = Attention.full()
                .visibleWhere("subject[b, q] == 0 || subject[b, k] == 0 || subject[b, q] == subject[b, k]", subject);
        String inBox = inside("k % n // width", 0) + " && " + inside("k % n % width", 1);
        String own = " && (subject[b, q] == 0 || subject[b, q] == k // n + 1)";
        Names boxes = (isolateReferences ? subject : Names.NONE)
                .with("box", in.get("target_box"))
                .with("n", tokens)
                .with("width", width);
        Attention references = Attention.full().visibleWhere(isolateReferences ? inBox + own : inBox, boxes);
        Tensor key = moved(ops, in.get("reference_key"), rows, columns);
        Tensor value = moved(ops, in.get("reference_value"), rows, columns);
        Part target = new Part(in.get("key"), in.get("value"), isolated);
        return Map.of("output", ops.attendParts(query, new Part(key, value, references), target));
    }

    private static String inside(String place, int axis) {
        return place + " >= box[b, k // n, " + axis + "] && " + place + " < box[b, k // n, " + (axis + 2) + "]";
    }

    /** Where in its reference a token of the target box lies, as a fraction of rows or columns: F32 [B, C, N]. */
    private Tensor places(Operations ops, Inputs in, String place, int axis) {
        String origin = "origin[q, " + axis + "]";
        String size = "(origin[q, " + (axis + 2) + "] - " + origin + ")";
        String start = "box[h, q, " + axis + "]";
        String extent = "(box[h, q, " + (axis + 2) + "] - " + start + ")";
        String within = "(" + place + " - " + start + " + 0.5) * " + size + " / " + extent + " - 0.5";
        return ops.map(origin + " + min(max(" + within + ", 0.0), " + size + " - 1.0)")
                .with("box", in.get("target_box"))
                .with("origin", in.get("reference_box"))
                .with("width", width)
                .to(DType.F32, in.size("B"), in.size("C"), in.size("N"));
    }

    /** Reference rows at these places for each token of the target: [B, H, C N, D]. */
    private Tensor moved(Operations ops, Tensor reference, Tensor rows, Tensor columns) {
        String row = "int(y[b, h, q])";
        String column = "int(x[b, h, q])";
        String across = "(x[b, h, q] - " + column + ")"; // 0 where the next column or row is not the box's
        String upper = between(across, at(row, column), at(row, column + " + 1"));
        String lower = between(across, at(row + " + 1", column), at(row + " + 1", column + " + 1"));
        Tensor joined = ops.joinHeads(reference);
        long subjects = reference.size(0);
        Tensor placed = ops.map(between("(y[b, h, q] - " + row + ")", upper, lower))
                .with("source", joined)
                .with("y", rows)
                .with("x", columns)
                .with("width", width)
                .to(reference.dtype(), rows.size(0), subjects, joined.size(1), joined.size(2));
        Tensor keys = ops.reshape(placed, rows.size(0), subjects * joined.size(1), joined.size(2));
        return ops.splitHeads(keys, Math.toIntExact(reference.size(1)));
    }

    private static String at(String row, String column) {
        return "source[h, (" + row + ") * width + " + column + ", d]";
    }

    private static String between(String place, String first, String second) {
        return "((1.0 - " + place + ") * " + first + " + " + place + " * " + second + ")";
    }
}
