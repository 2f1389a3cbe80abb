#!/usr/bin/env python3
"""Fovea and PyTorch on one GPU, in turn: the ratio table and the roofline picture.

Each row of goals.py is measured in rounds of some 40 ms, ours and the opponents' strictly in turn, never two at once. A round is n calls
queued without waiting, then one wait, divided by n. Everyone reads the same inputs and is checked against float64 on the same
rows. Writes results.jsonl, table.md and roofline.svg into the output folder, and the logs of the processes.
"""
import argparse
import json
import os
import re
import shlex
import signal
import statistics
import sys
import time

import contest
import report
import roofline
from clocks import Clocks
from goals import ROWS
from paced import Dead, Paced

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 300
CEILING_SECONDS = 60
CEILINGS = ("bf16", "f32")


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--fovea", required=True, help="the command, such as dist/fovea")
    p.add_argument("--out", required=True, metavar="DIR", help="output folder, made if missing")
    p.add_argument("--only", metavar="RE", help="rows whose name this finds; a case name, with [ENGINE] if one is asked for")
    p.add_argument("--seconds-per-case", type=float, default=2.0, metavar="S", help="default: 2")
    p.add_argument("--limit", type=float, default=3600, metavar="S", help="start no row after so many seconds")
    p.add_argument("--processes", type=int, metavar="N", help="of the rows that ask for several (3)")
    p.add_argument("--peers", default=f"{shlex.quote(sys.executable)} {shlex.quote(os.path.join(HERE, 'peers.py'))}",
                   metavar="COMMAND", help="the opponents' process; default: PyTorch by peers.py")
    p.add_argument("--no-peers", action="store_true", help="ours alone")
    p.add_argument("--commit", default="", help="to be noted, where Fovea cannot know it")
    p.add_argument("--device", help="as fovea bench has it")
    p.add_argument("--shrink", type=int, default=1, help="as fovea bench has it, to try this out")
    return p.parse_args()


class Run:
    """The processes of a run, started when needed and again when one has died."""

    def __init__(self, options, clocks):
        self.options, self.clocks = options, clocks
        self.ours = self.peers = None
        self.peers_left = 0 if options.no_peers else 4  # starts that may still be tried
        self.cases = {}
        self.facts = {"commit": options.commit}
        self.end = time.monotonic() + options.limit
        self.found = {}
        self.limits = {}

    def measure(self, rows, engine):
        """Finds a result for each row."""
        for i, row in enumerate(rows):
            if time.monotonic() > self.end:
                self.keep(failure(row, "no time was left"))
                continue
            try:
                self.start(engine, rows[i:])
            except (Dead, OSError) as e:
                for r in rows[i:]:
                    self.keep(failure(r, e))
                return
            self.keep(self.one(row))
        self.close_ours()

    def keep(self, result):
        """Writes all there is, so that a run that is ended loses nothing."""
        self.found.setdefault(result["row"], []).append(result)
        say(result)
        write(self)

    def start(self, engine, rows):
        if self.ours is None:
            self.start_ours(engine, rows)
        if self.peers is None and self.peers_left > 0:
            self.start_peers()

    def start_ours(self, engine, rows):
        pattern = "^(" + "|".join(re.escape(c) for c in sorted(needed(rows))) + ")$"
        command = shlex.split(self.options.fovea) + [
            "bench", "--suite", "gpu", "--paced", "--only", pattern, "--shrink", str(self.options.shrink)]
        if self.options.device:
            command += ["--device", self.options.device]
        env = {**os.environ, **({"FOVEA_ENGINE": engine} if engine else {})}
        self.ours = Paced(command, self.path("fovea.log"), env)
        try:
            listed = self.ours.ask("list", START_SECONDS)
        except Dead:
            self.close_ours()
            raise
        self.facts["fovea"] = {k: v for k, v in listed.items() if k != "cases"}
        self.cases.update((c["case"], c) for c in listed["cases"])
        with open(self.path("cases.json"), "w") as file:
            json.dump({"cases": list(self.cases.values())}, file)

    def start_peers(self):
        self.peers_left -= 1
        try:
            self.peers = Paced(shlex.split(self.options.peers) + [self.path("cases.json")], self.path("peers.log"))
            self.facts["peers"] = self.peers.ask("list", START_SECONDS)
        except (Dead, OSError) as e:
            print(f"no peers: {e}; see {self.path('peers.log')}", file=sys.stderr)
            self.close_peers()

    def one(self, row):
        try:
            result = contest.run(row, self.ours, self.peers, self.options.seconds_per_case, self.clocks)
        except contest.Failed as e:
            if e.dead:
                self.close_ours()
            result = failure(row, e)
        else:
            result["description"] = {k: v for k, v in self.cases[row.case].items() if k != "rows"}
        if self.peers and self.peers.process.poll() is not None:
            self.close_peers()
        return result

    def ceilings(self):
        """Operations a second of the units, as far as the peers can tell."""
        for unit in CEILINGS if self.peers else ():
            try:
                answer = self.peers.ask(f"run ceiling:{unit} 5", CEILING_SECONDS)
                self.limits[unit] = {"flops": answer["flops"] / min(answer["seconds"]), "how": answer["how"]}
            except (Dead, KeyError) as e:
                print(f"no ceiling of {unit}: {e}", file=sys.stderr)

    def path(self, name):
        return os.path.join(self.options.out, name)

    def close_ours(self):
        if self.ours:
            self.ours.close()
            self.ours = None

    def close_peers(self):
        if self.peers:
            self.peers.close()
            self.peers = None


def failure(row, why):
    return {"row": row.name, "case": row.case, "engine": row.engine, "goal": row.goal, "failed": str(why)}


def needed(rows):
    return {r.case for r in rows} | {a[4:] for r in rows for a in r.against if a.startswith("own:")}


def say(r):
    if "failed" in r:
        text = f"FAILED: {r['failed']}"
    else:
        text = f"{r['ours']['median'] * 1e3:9.4f} ms" + (f"  {r['ratio']:.3f} x {r['best']}" if "ratio" in r else "")
    print(f"{r['row']:32s} {text}", flush=True)


def merged(results):
    """One result of several pairs of processes: the one nearest to the median ratio, with all ratios."""
    good = [r for r in results if "ratio" in r]
    if len(good) < 2:
        return (good or results)[0]
    ratios = [r["ratio"] for r in good]
    middle = statistics.median(ratios)
    return {**min(good, key=lambda r: abs(r["ratio"] - middle)), "ratio": middle, "ratios": ratios}


def measure(run, rows):
    """Rows that share a process first, engine by engine; then those that ask for several."""
    for engine in sorted({r.engine for r in rows}):
        group = [r for r in rows if r.engine == engine and r.processes == 1]
        if group:
            run.measure(group, engine)
    group = [r for r in rows if r.processes > 1]
    for _ in range(run.options.processes or group[0].processes if group else 0):
        run.close_peers()
        run.peers_left += 0 if run.options.no_peers else 1
        run.measure(group, "")
    run.ceilings()


def write(run):
    results = [merged(run.found[r.name]) for r in ROWS if r.name in run.found]
    with open(run.path("results.jsonl"), "w") as file:
        for line in ({**run.facts, "ceilings": run.limits}, *results):
            file.write(json.dumps(line) + "\n")
    lines = [report.facts(run.facts, run.limits), ""] + report.table(results)
    lines += [""] + [f"- {n}" for n in report.notes(results)]
    with open(run.path("table.md"), "w") as file:
        file.write("\n".join(lines) + "\n")
    with open(run.path("roofline.svg"), "w") as file:
        file.write(roofline.svg(results, run.limits))


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    rows = [r for r in ROWS if options.only is None or re.search(options.only, r.name)]
    if not rows:
        sys.exit("no row has such a name; there are " + ", ".join(r.name for r in ROWS))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes are ended too
    start = time.monotonic()
    clocks = Clocks()
    run = Run(options, clocks)
    try:
        measure(run, rows)
    finally:
        run.close_ours()
        run.close_peers()
        clocks.close()
    write(run)
    with open(run.path("table.md")) as file:
        print("\n" + file.read())
    print(f"{time.monotonic() - start:.0f} s")
    return 1 if any("failed" in r for r in map(merged, run.found.values())) else 0


if __name__ == "__main__":
    sys.exit(main())
