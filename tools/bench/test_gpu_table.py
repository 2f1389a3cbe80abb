"""python3 -m unittest discover tools/bench: the driver with processes that only play their part."""
import contextlib
import io
import json
import os
import shlex
import sys
import tempfile
import unittest
from unittest import mock
from xml.etree import ElementTree

import contest
import gpu_table
import normal_data

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ["16k-128-full", "16k-128-causal", "8k-256-causal", "1k-128-full", "1k-128-causal", "copy", "decode-bf16", "decode-int8"]
OURS = {"16k-128-full": 1e-3, "16k-128-causal": 1e-3, "8k-256-causal": 1e-3, "1k-128-full": 1e-3, "1k-128-causal": 1e-3,
        "copy": 1e-6, "decode-bf16": 1e-6, "decode-int8": 0.5e-6}


def fake(**told):
    return " ".join(shlex.quote(x) for x in (sys.executable, os.path.join(HERE, "fake_paced.py"), json.dumps(told)))


class GpuTable(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.out = os.path.join(self.folder.name, "out")

    def run_table(self, ours, peers, *more):
        arguments = ["gpu_table.py", "--fovea", ours, "--peers", peers, "--out", self.out, "--seconds-per-case", "0", *more]
        with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            code = gpu_table.main()
        with open(os.path.join(self.out, "results.jsonl")) as file:
            facts, *results = map(json.loads, file)
        with open(os.path.join(self.out, "table.md")) as file:
            table = file.read()
        with open(os.path.join(self.out, "roofline.svg")) as file:
            picture = ElementTree.fromstring(file.read())
        return code, facts, {r["row"]: r for r in results}, table, picture

    def test_ratios_refusals_and_ceilings(self):
        peers = {"cudnn:16k-128-full": 1.2e-3, "cudnn:16k-128-causal": 1.1e-3, "flash:8k-256-causal": 3e-3,
                 "efficient:8k-256-causal": 2e-3, "copy:copy": 2e-6, "flash:decode-bf16": 2e-6, "ceiling:bf16": 1e-3,
                 "ceiling:f32": 1e-2}
        code, facts, results, table, picture = self.run_table(
            fake(cases=CASES, seconds=OURS), fake(seconds=peers),
            "--only", "^(16k-128-(full|causal)|8k-256.*|copy|decode-(bf16|int8))$", "--commit", "abc")
        self.assertEqual(code, 0)
        self.assertEqual(list(results), ["16k-128-full", "16k-128-causal", "8k-256-causal", "copy", "decode-bf16", "decode-int8"])
        self.assertAlmostEqual(results["16k-128-full"]["ratio"], 1.2)
        self.assertEqual(results["16k-128-full"]["ours"]["rounds"], contest.LEAST_ROUNDS)
        self.assertEqual(results["8k-256-causal"]["best"], "efficient")
        self.assertEqual(results["8k-256-causal"]["refused"], {"cudnn": "No available kernel"})
        self.assertAlmostEqual(results["decode-int8"]["ratio"], 2)
        self.assertEqual(facts["ceilings"]["bf16"]["flops"], 1e15)
        met = [[c.strip() for c in line.split("|")][11] for line in table.splitlines() if line.startswith("| 16k-128")]
        self.assertEqual(met, ["met", "missed"])
        self.assertIn("cudnn: No available kernel", table)
        self.assertIn("1.000 of the faster copy", table)
        self.assertIn("Fovea abc", table)
        words = " ".join(picture.itertext())
        self.assertIn("bf16: 1000.0 TFLOP/s", words)
        self.assertIn("16k-128-full: 2, 1.20x", words)

    def test_a_case_that_ends_our_process_costs_only_itself(self):
        starts = os.path.join(self.folder.name, "starts")
        peers = {"cudnn:16k-128-full": 1.2e-3, "cudnn:16k-128-causal": 1.3e-3}
        code, _, results, table, _ = self.run_table(
            fake(cases=CASES, seconds=OURS, dies=["16k-128-full"], starts=starts), fake(seconds=peers),
            "--only", "^16k-128-(full|causal)$")
        self.assertEqual(code, 1)
        self.assertIn("exit code 9", results["16k-128-full"]["failed"])
        self.assertIn("FAILED", table)
        self.assertAlmostEqual(results["16k-128-causal"]["ratio"], 1.3)
        with open(starts) as file:
            self.assertEqual(["16k\\-128\\-full" in line for line in file], [True, False])

    def test_a_case_that_ends_the_peers_costs_only_that_opponent(self):
        peers = {"cudnn:16k-128-causal": 1.3e-3}
        code, _, results, _, _ = self.run_table(
            fake(cases=CASES, seconds=OURS), fake(seconds=peers, dies=["cudnn:16k-128-full"]),
            "--only", "^16k-128-(full|causal)$")
        self.assertEqual(code, 0)
        self.assertIn("exit code 9", results["16k-128-full"]["refused"]["cudnn"])
        self.assertNotIn("ratio", results["16k-128-full"])
        self.assertAlmostEqual(results["16k-128-causal"]["ratio"], 1.3)

    def test_several_processes_and_their_median(self):
        starts = os.path.join(self.folder.name, "starts")
        peers = {"cudnn:1k-128-full": 1.02e-3, "cudnn:1k-128-causal": 1e-3}
        _, _, results, table, _ = self.run_table(
            fake(cases=CASES, seconds=OURS, starts=starts), fake(seconds=peers), "--only", "^1k-128-(full|causal)$")
        self.assertEqual(len(results["1k-128-full"]["ratios"]), 3)
        self.assertIn("1.020 (1.020, 1.020, 1.020)", table)
        with open(starts) as file:
            self.assertEqual(len(file.readlines()), 3)
        middle = gpu_table.merged([{"row": "a", "ratio": r} for r in (1.0, 3.0, 2.0)] + [{"row": "a", "failed": "x"}])
        self.assertEqual((middle["ratio"], middle["ratios"]), (2.0, [1.0, 3.0, 2.0]))

    def test_without_peers_or_with_none_that_start(self):
        for peers in (["--no-peers"], []):
            code, facts, results, _, _ = self.run_table(
                fake(cases=CASES, seconds=OURS), shlex.quote(sys.executable) + " -c 1", "--only", "^16k-128-full$", *peers)
            self.assertEqual(code, 0)
            self.assertNotIn("ratio", results["16k-128-full"])
            self.assertEqual(results["16k-128-full"]["others"], {})

    def test_engines_run_in_processes_of_their_own(self):
        _, _, results, table, _ = self.run_table(
            fake(cases=CASES, seconds=OURS), fake(seconds={"flash:16k-128-full": 1.3e-3}), "--only", r"\[mma")
        self.assertAlmostEqual(results["16k-128-full [mma.sync]"]["ratio"], 1.3)
        self.assertIn("mma.sync was asked for, the path does not name it", table)


class NormalData(unittest.TestCase):
    def test_the_numbers_of_GpuSuiteTest(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("needs NumPy")
        table = numpy.array(normal_data.table(), dtype=numpy.float32)

        def at(seed, i):
            return float(table[normal_data.picks(seed, numpy.array([i >> 2], dtype=numpy.int64))[i & 3]][0])

        expected = [0.94113845, 0.8257952, -1.2542186, 0.0456267, -0.87426627]
        got = [at(1, i) for i in (0, 1, 7, 1_000_000_007)] + [at(3, 5)]
        self.assertEqual([numpy.float32(x) for x in expected], got)


if __name__ == "__main__":
    unittest.main()
