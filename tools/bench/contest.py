"""Runs a row of the table: ours and its opponents in turn, a round each."""
import statistics
import time

from paced import Dead

OURS = "ours"
LEAST_ROUNDS = 5
PREPARE_SECONDS = 240
ROUND_SECONDS = 60
LATE = 3  # a row may take so many times its time, and a second, until it has the least number of rounds


class Side:
    """One of those who take turns."""

    def __init__(self, label, process, case):
        self.label, self.process, self.case = label, process, case
        self.seconds = []
        self.last = {}

    def round(self, timeout):
        answer = self.process.ask(f"run {self.case} 1", timeout)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        self.last = answer
        return answer["seconds"]

    def result(self):
        return {"median": statistics.median(self.seconds), "min": min(self.seconds), "rounds": len(self.seconds),
                **{k: v for k, v in self.last.items() if k not in ("case", "seconds")}}


class Failed(Exception):
    """Ours could not be measured."""

    def __init__(self, reason, dead):
        super().__init__(reason)
        self.dead = dead


def run(row, ours, peers, seconds, clocks):
    """A result: ours, opponents by label, those that refused and why, the ratio to the fastest. Peers may be None."""
    sides, refused = [Side(OURS, ours, row.case)], {}
    for label in row.against:
        if label.startswith("own:"):
            sides.append(Side(label, ours, label[4:]))
        elif peers is not None:
            sides.append(Side(label, peers, f"{label}:{row.case}"))
    sides = warm(sides, refused)
    start = time.monotonic()
    rounds = 0
    while going_on(rounds, time.monotonic() - start, seconds):
        for side in list(sides):
            try:
                side.seconds += side.round(ROUND_SECONDS)
            except (RuntimeError, Dead) as e:
                drop(side, e, sides, refused)
        rounds += 1
    mine = sides[0].result()
    others = {s.label: s.result() for s in sides[1:]}
    result = {"row": row.name, "case": row.case, "engine": row.engine, "goal": row.goal, OURS: mine,
              "others": others, "refused": refused, **clocks.since(start)}
    if others:
        best = min(others, key=lambda o: others[o]["median"])
        result["best"] = best
        result["ratio"] = others[best]["median"] / mine["median"]
    return result


def going_on(rounds, spent, seconds):
    return rounds == 0 or spent < seconds or rounds < LEAST_ROUNDS and spent < LATE * seconds + 1


def warm(sides, refused):
    """One round each, which builds what is missing; the sides that can do it."""
    able = list(sides)
    for side in sides:
        try:
            side.round(PREPARE_SECONDS)
        except (RuntimeError, Dead) as e:
            drop(side, e, able, refused)
    return able


def drop(side, why, sides, refused):
    if side.label == OURS:
        raise Failed(str(why), isinstance(why, Dead))
    refused[side.label] = str(why)
    sides.remove(side)
