package dev.fovea.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fovea.api.expr.Menu;
import org.junit.jupiter.api.Test;

/** Each case of the menu hides something and shows something, or changes a score. */
class MenuDataTest {
    @Test
    void everyEntryDoesSomething() {
        for (String shape : new String[] {"b=2 hq=4 hk=2 sq=70 sk=70", "hq=2 sq=9 sk=35"}) {
            for (String name : MenuData.names()) {
                AttentionCase c = AttentionCase.parse(shape + " menu=" + name);
                assertThat(AttentionCase.parse(c.toString())).isEqualTo(c);
                HostProblem p = CaseData.of(c);
                ExprInterpreter at = new ExprInterpreter(p, false);
                int visible = 0;
                int changed = 0;
                for (int q = 0; q < c.sq(); q++) {
                    for (int k = 0; k < c.sk(); k++) {
                        at.at(0, 1, q, k);
                        visible += at.test(p.spec().mask()) ? 1 : 0;
                        changed += at.value(p.spec().score(), 0.75) == 0.75 ? 0 : 1;
                    }
                }
                int pairs = c.sq() * c.sk();
                if (MenuData.entry(name).stage() == Menu.Stage.MASK) {
                    assertThat(visible).as(c.toString()).isBetween(1, pairs - 1);
                } else {
                    assertThat(changed).as(c.toString()).isGreaterThan(pairs / 2);
                }
            }
        }
        assertThatThrownBy(() -> MenuData.entry("causa")).hasMessageContaining("there is [causal");
    }
}
