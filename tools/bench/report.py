"""The table as Markdown."""
import goals


def facts(of, ceilings):
    """One line: card, driver, versions, ceilings."""
    fovea, peers = of.get("fovea", {}), of.get("peers", {})
    commit = of.get("commit") or fovea.get("environment", {}).get("commit", "")
    units = ", ".join(f"{unit} {c['flops'] / 1e12:.1f} TFLOP/s ({c['how']})" for unit, c in ceilings.items())
    return (f"{fovea.get('name', '?')}, driver {fovea.get('driver', '?')}, Fovea {commit}"
            + (f"; PyTorch {peers.get('torch')}, CUDA {peers.get('cuda')}, cuDNN {peers.get('cudnn')}" if peers else "")
            + (f"; ceilings: {units}" if units else ""))


def table(results):
    """Lines for the results of all rows, failures among them."""
    head = ["case", "shape", "type", "ours ms", "TFLOP/s", "GB/s", "against", "its ms", "ratio", "goal", "",
            "max error (x)", "RMS error (x)", "MHz", "W"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cells(r)) + " |" for r in results]


def cells(r):
    if "failed" in r:
        return [r["row"]] + [""] * 5 + [f"FAILED: {r['failed']}"] + [""] * 8
    ours, case = r["ours"], r["description"]
    seconds = ours["median"]
    best = r["others"].get(r.get("best"))
    refused = "; ".join(f"{k} refused" for k in r["refused"])
    return [
        r["row"], case["shape"], case["dtype"] if case["dtype"] == case["format"] else f"{case['dtype']}, {case['format']}",
        f"{seconds * 1e3:.4f}", f"{case['flops'] / seconds / 1e12:.4g}", f"{case['bytes'] / seconds / 1e9:.4g}",
        " ".join(x for x in (r.get("best", "-"), f"({refused})" if refused else "") if x),
        f"{best['median'] * 1e3:.4f}" if best else "-",
        " ".join([f"{r['ratio']:.3f}"] + ([f"({', '.join(f'{x:.3f}' for x in r['ratios'])})"] if "ratios" in r else []))
        if "ratio" in r else "-",
        f"{r['goal']:.3f}" if r["goal"] else "-",
        verdict(r), error(ours, best, "maxError"), error(ours, best, "rmsError"),
        f"{r['megahertz']:.0f}" if "megahertz" in r else "-", f"{r['watts']:.0f}" if "watts" in r else "-"]


def verdict(r):
    if r["goal"] is None or "ratio" not in r:
        return ""
    return "met" if r["ratio"] >= r["goal"] else "missed"


def error(ours, best, kind):
    if kind not in ours:
        return "-"
    text = f"{ours[kind]:.1e}"
    if best and best.get(kind):
        text += f" ({ours[kind] / best[kind]:.2f})"
    return text


def by(of, kind, other):
    return f"{of[kind] / of[other]:.2f}" if of.get(other) else "-"


def notes(results):
    """What the table does not say: paths taken, errors beyond their goals, decode by copy bandwidth, host times."""
    lines = []
    paths = {}
    for r in results:
        if "failed" not in r:
            paths.setdefault(r["description"]["plan"], []).append(r["row"])
    lines += [f"{', '.join(rows)}: {path}" for path, rows in paths.items()]
    by_row = {r["row"]: r for r in results if "failed" not in r}
    for r in by_row.values():
        best = r["others"].get(r.get("best"), {})
        if best.get("rmsError") and r["description"]["dtype"] != "f32" and not r["best"].startswith("own:"):
            for kind, most in (("maxError", goals.MAX_ERROR), ("rmsError", goals.RMS_ERROR)):
                ratio = r["ours"][kind] / best[kind]
                if ratio > most:
                    lines.append(f"{r['row']}: {kind} is {ratio:.2f} of {r['best']}'s, goal at most {most}")
        if r["engine"] not in r["description"]["plan"].lower():
            lines.append(f"{r['row']}: {r['engine']} was asked for, the path does not name it")
        if r["case"].startswith("f32") and "plainMaxError" in r["ours"]:
            lines.append(f"{r['row']}: errors by plain f32's: maximum {by(r['ours'], 'maxError', 'plainMaxError')},"
                         f" RMS {by(r['ours'], 'rmsError', 'plainRmsError')}, goal 1")
        for label, why in r["refused"].items():
            lines.append(f"{r['row']}: {label}: {why}")
    decode, copy = by_row.get(goals.DECODE), by_row.get("copy")
    if decode and copy:
        rates = {k: copy["description"]["bytes"] / v["median"] for k, v in {"ours": copy["ours"], **copy["others"]}.items()}
        rate = decode["description"]["bytes"] / decode["ours"]["median"]
        lines.append("copy: " + ", ".join(f"{k} {v / 1e9:.0f} GB/s" for k, v in rates.items())
                     + f"; {goals.DECODE} {rate / 1e9:.0f} GB/s, {rate / max(rates.values()):.3f} of the faster copy, goal {goals.DECODE_OF_COPY}")
    if "host" in by_row:
        ours = by_row["host"]["ours"]
        over = ours.get("waitedOverEvent")
        lines.append(
            f"host: a run returns after {ours['median'] * 1e6:.1f} us, the facade's attend after {ours['attend'] * 1e6:.1f} us"
            f" (goal {goals.HOST_CALL * 1e6:.0f}); run and wait {ours['waited'] * 1e6:.1f} us"
            + (f", {over * 1e6:.1f} us above the event (goal {goals.HOST_WAITED_OVER_EVENT * 1e6:.0f})" if over is not None else ""))
    return lines
