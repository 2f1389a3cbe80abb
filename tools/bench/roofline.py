"""The roofline picture: TFLOP/s over operations a byte, with what the card was measured to do."""
import math
from html import escape

WIDTH, HEIGHT = 980, 640
LEFT, RIGHT, TOP, BOTTOM = 80, 250, 40, 60
PEER = "#c0392b"
OURS = "#1f5fa8"


def svg(results, ceilings):
    """The picture; points are attention cases, ours and the fastest opponent of each."""
    points = list(_points(results))
    bandwidth = _bandwidth(results)
    roofs = {unit: c["flops"] for unit, c in ceilings.items()}
    if not points:
        return _frame([])
    scale = _Scale(points, roofs, bandwidth)
    return _frame(_axes(scale) + _roofs(scale, roofs, bandwidth) + _marks(scale, points) + _legend())


def _points(results):
    """(label, operations a byte, ours, fastest opponent or None), operations a second."""
    for r in results:
        case = r.get("description")
        if "failed" in r or case["kind"] != "attention" or "-options" in r["case"]:
            continue
        best = r["others"].get(r.get("best"))
        theirs = case["flops"] / best["median"] if best and not r["best"].startswith("own:") else None
        yield r["row"], case["flops"] / case["bytes"], case["flops"] / r["ours"]["median"], theirs


def _bandwidth(results):
    """Bytes a second of the faster copy; None without one."""
    for r in results:
        if r["case"] == "copy" and "failed" not in r:
            return max(r["description"]["bytes"] / s["median"] for s in (r["ours"], *r["others"].values()))
    return None


class _Scale:
    """Logarithmic axes that hold everything."""

    def __init__(self, points, roofs, bandwidth):
        xs = [p[1] for p in points] + [f / bandwidth for f in roofs.values() if bandwidth]
        ys = [y for p in points for y in p[2:] if y] + list(roofs.values())
        self.x0, self.x1 = math.floor(math.log10(min(xs) / 1.5)), math.ceil(math.log10(max(xs) * 1.5))
        self.y0, self.y1 = math.floor(math.log10(min(ys) / 1.2)), math.ceil(math.log10(max(ys) * 1.2))

    def x(self, v):
        return LEFT + (math.log10(v) - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)

    def y(self, v):
        return HEIGHT - BOTTOM - (math.log10(v) - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)


def _text(x, y, text, anchor="start", size=12, colour="#222", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"{more}>{escape(text)}</text>'


def _line(x1, y1, x2, y2, colour, width=1.0, dash=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"'
            + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")


def _axes(s):
    out = []
    for e in range(s.x0, s.x1 + 1):
        x = s.x(10 ** e)
        out += [_line(x, TOP, x, HEIGHT - BOTTOM, "#ddd"), _text(x, HEIGHT - BOTTOM + 18, f"{10.0 ** e:g}", "middle")]
    for e in range(s.y0, s.y1 + 1):
        y = s.y(10 ** e)
        out += [_line(LEFT, y, WIDTH - RIGHT, y, "#ddd"), _text(LEFT - 8, y + 4, f"{10.0 ** (e - 12):g}", "end")]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return out + [
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, "operations a byte, each tensor counted once", "middle", 13),
        _text(22, middle, "TFLOP/s", "middle", 13, more=f' transform="rotate(-90 22 {middle:.1f})"')]


def _roofs(s, roofs, bandwidth):
    out = []
    left, right = 10 ** s.x0, 10 ** s.x1
    for unit, flops in roofs.items():
        start = max(left, flops / bandwidth) if bandwidth else left
        out += [_line(s.x(start), s.y(flops), s.x(right), s.y(flops), "#444", 1.5),
                _text(s.x(start) + 6, s.y(flops) - 6, f"{unit}: {flops / 1e12:.1f} TFLOP/s")]
    if bandwidth:
        top = max(roofs.values(), default=10.0 ** s.y1)
        low = max(left, 10.0 ** s.y0 / bandwidth)
        high = min(right, top / bandwidth)
        if low < high:
            x, y = s.x(low), s.y(low * bandwidth)
            out += [_line(x, y, s.x(high), s.y(high * bandwidth), "#444", 1.5),
                    _text(x + 8, y - 14, f"copy: {bandwidth / 1e9:.0f} GB/s")]
    return out


def _marks(s, points):
    """Numbered points, and what the numbers mean in a column at the right."""
    out = []
    for number, (name, x, ours, theirs) in enumerate(sorted(points, key=lambda p: -p[2]), 1):
        px, py = s.x(x), s.y(ours)
        if theirs:
            out += [_line(px, py, px, s.y(theirs), "#999"),
                    f'<circle cx="{px:.1f}" cy="{s.y(theirs):.1f}" r="4" fill="none" stroke="{PEER}" stroke-width="1.6"/>']
        right = number % 2
        out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{OURS}"/>',
                _text(px + (7 if right else -7), py + 3, str(number), "start" if right else "end", 9, OURS),
                _text(WIDTH - RIGHT + 16, TOP + 16 * number, f"{number}", "end", 11, OURS),
                _text(WIDTH - RIGHT + 24, TOP + 16 * number,
                      f"{name}: {ours / 1e12:.3g}" + (f", {ours / theirs:.2f}x" if theirs else ""), size=11)]
    return out


def _legend():
    x = LEFT + 10
    return [f'<circle cx="{x}" cy="20" r="4" fill="{OURS}"/>', _text(x + 10, 24, "Fovea"),
            f'<circle cx="{x + 80}" cy="20" r="4" fill="none" stroke="{PEER}" stroke-width="1.6"/>',
            _text(x + 90, 24, "fastest opponent in the same rounds")]


def _frame(body):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *body, "</svg>", ""])
