package dev.fovea.api.expr;

import java.util.List;
import java.util.Optional;

/** The expressions of {@link Masks}, {@link Scores} and {@link Weights} by name, for those who choose one by a word. */
public final class Menu {
    /** Which expression of a spec it is. */
    public enum Stage {
        MASK,
        SCORE,
        PROBABILITY,
        OUTPUT
    }

    /**
     * One of the menu.
     *
     * @param name lower case, words joined by -
     * @param expression its definition; scalars and captures are its parameters
     * @param summary one line
     * @param source where it comes from; empty where it is nobody's
     */
    public record Entry(Stage stage, String name, Expr expression, String summary, String source) {}

    private static final List<Entry> ENTRIES = List.of(
            mask("causal", Masks.causal(), "keys up to the own position", ""),
            mask("sliding-window", Masks.slidingWindow(), "the last window keys", "Beltagy et al. 2020"),
            mask("sink-window", Masks.sinkWindow(), "the first sinks keys and the last window", "Xiao et al. 2023"),
            mask("dilated", Masks.dilated(), "window keys, dilation apart", "Beltagy et al. 2020"),
            mask("strided", Masks.strided(), "the last stride keys, every stride-th before", "Child et al. 2019"),
            mask("powers-of-two", Masks.powersOfTwo(), "keys a power of two back", "Li et al. 2019"),
            mask("prefix-lm", Masks.prefixLm(), "the prefix whole, causal after it", "Raffel et al. 2020"),
            mask("documents", Masks.documents(), "packed sequences, each its own", "Krell et al. 2021"),
            mask("ragged", Masks.ragged(), "packed cross attention, by ids of queries and keys", ""),
            mask("shared-prefix", Masks.sharedPrefix(), "continuations behind one prefix", "Juravsky et al. 2024"),
            mask("global-sliding", Masks.globalSliding(), "global tokens and a band", "Beltagy et al. 2020"),
            mask("big-bird", Masks.bigBird(), "global, near and random blocks", "Zaheer et al. 2020"),
            mask("block-causal", Masks.blockCausal(), "causal by blocks, whole inside one", ""),
            mask(
                    "block-diffusion",
                    Masks.blockDiffusion(),
                    "noisy and clean blocks of training",
                    "Arriola et al. 2025"),
            mask("neighbourhood-1d", Masks.neighbourhood(1), "the nearest keys on a line", "Hassani et al. 2023"),
            mask("neighbourhood-2d", Masks.neighbourhood(2), "the nearest keys of an image", "Hassani et al. 2023"),
            mask("neighbourhood-3d", Masks.neighbourhood(3), "the nearest keys of a video", "Hassani et al. 2024"),
            mask("tiles-1d", Masks.tiles(1), "the nearest tiles on a line", "Zhang et al. 2025"),
            mask("tiles-2d", Masks.tiles(2), "the nearest tiles of an image", "Zhang et al. 2025"),
            mask("tiles-3d", Masks.tiles(3), "the nearest tiles of a video", "Zhang et al. 2025"),
            mask("table", Masks.table(), "a table of the caller's own", ""),
            score("alibi", Scores.alibi(), "a slope by distance", "Press et al. 2022"),
            score("relative", Scores.relative(), "a bias by clipped distance", "Shaw et al. 2018"),
            score("t5", Scores.t5(), "a bias by bucket of distance", "Raffel et al. 2020"),
            score("low-rank", Scores.lowRank(2), "a bias as a product of factors, here of rank 2", "Wu et al. 2025"),
            score("softcap", Scores.softcap(), "scores kept below cap", "Gemma 2, 2024"),
            score("head-temperature", Scores.headTemperature(), "a factor for each head", ""),
            score("position-temperature", Scores.positionTemperature(), "a factor for each query position", "Llama 4"),
            score("scalable", Scores.scalable(), "sharper as rows grow", "Nakanishi 2025"),
            score("sandwich", Scores.sandwich(), "a sum of cosines of the distance", "Chi et al. 2023"),
            score("learned", Scores.learned(), "a bias for each pair", ""),
            new Entry(Stage.PROBABILITY, "sigmoid", Weights.sigmoid(), "over identity", "Ramapuram et al. 2024"),
            new Entry(Stage.PROBABILITY, "relu", Weights.relu(1), "over identity", "Wortsman et al. 2023"),
            new Entry(Stage.PROBABILITY, "relu-squared", Weights.relu(2), "over identity", "Hua et al. 2022"),
            new Entry(Stage.PROBABILITY, "threshold", Weights.threshold(), "small weights count nothing", ""),
            new Entry(Stage.PROBABILITY, "key-weight", Weights.keyWeight(), "a weight for each key", ""),
            new Entry(Stage.OUTPUT, "gate", Weights.gate(), "a gate on each output element", "Qiu et al. 2025"));

    private Menu() {}

    public static List<Entry> entries() {
        return ENTRIES;
    }

    public static Optional<Entry> find(Stage stage, String name) {
        return ENTRIES.stream()
                .filter(e -> e.stage() == stage && e.name().equals(name))
                .findFirst();
    }

    private static Entry mask(String name, Expr e, String summary, String source) {
        return new Entry(Stage.MASK, name, e, summary, source);
    }

    private static Entry score(String name, Expr e, String summary, String source) {
        return new Entry(Stage.SCORE, name, e, summary, source);
    }
}
