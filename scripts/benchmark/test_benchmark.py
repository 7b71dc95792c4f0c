"""Tests of what needs no daemon: python3 -B -m unittest discover -s scripts/benchmark"""

import contextlib
import io
import os
import tempfile
import types
import unittest

import comparison
import daemon
import goals
import options
import side_by_side
import wire
from comparison import Figure, factor_of, memory_allowance
from cost import Costs, Run
from figures import NONE, known, ratio
from goals import Check, Goal, times
from tools import Floor, Fping, Meshping, Prober

PROGRAM = """#!/bin/sh
case $1 in
--version) echo "{version}" ;;
--help) echo "{options}" ;;
esac
"""


def chosen(*arguments):
    return options.parse(list(arguments))


class OptionsTest(unittest.TestCase):
    def refusal(self, *arguments):
        """What is printed when the arguments make no sense."""
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed), self.assertRaises(SystemExit) as ended:
            chosen(*arguments)
        self.assertEqual(ended.exception.code, 2, arguments)
        return printed.getvalue()

    @contextlib.contextmanager
    def binary(self, version="meshping 0.1.0", usage=" ".join(options.OPTIONS)):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "meshping")
            with open(path, "w", encoding="ascii") as file:
                file.write(PROGRAM.format(version=version, options=usage))
            os.chmod(path, 0o755)
            yield path

    def test_arguments_without_sense_are_refused_with_the_reason(self):
        cases = [
            (["--sizes", "0"], "'0' is not a whole number from 1"),
            (["--sizes", "100,-5"], "'-5' is not a whole number"),
            (["--sizes", "many"], "'many' is not a whole number"),
            (["--sizes", "1e3"], "'1e3' is not a whole number"),
            (["--sizes", "100,"], "'' is not a whole number"),
            (["--sizes", "200001"], "to 200000"),
            (["--rounds", "0"], "'0' is not a whole number"),
            (["--seconds", "0"], "'0' is not a number of seconds"),
            (["--seconds", "nan"], "'nan' is not a number of seconds"),
            (["--parts", "cpu,memory"], "no such part: 'memory'"),
            (["--tools", "mtr"], "no tool has 'mtr' in its name"),
            (["--against", "/nowhere/meshping"], "no such program"),
            (["--against", "/bin/sh", "--parts", "cpu"], "measures meshping only"),
            (["--against", "/bin/sh", "--rounds", "4"], "at least 5 rounds"),
            (["--help-me"], "unrecognized arguments"),
        ]
        for arguments, reason in cases:
            self.assertIn(reason, self.refusal(*arguments), arguments)

    def test_what_is_compared_with_has_to_be_meshping_with_the_options_that_are_used(self):
        with self.binary() as path:
            self.assertEqual(chosen("--against", path).rounds, 5)
        with self.binary(version="fping 5.1") as path:
            self.assertIn("is not meshping", self.refusal("--against", path))
        with self.binary(usage="-q --engine") as path:
            self.assertIn("lacks options that are used for both: --log-level", self.refusal("--against", path))

    def test_a_run_needs_only_the_programs_of_its_parts(self):
        cases = [
            ([], ["floor", "fping", "meshping", "prober", "reference", "responder"]),
            (["--truth"], ["meshping", "responder"]),
            (["--parts", "goals"], ["floor", "meshping", "reference"]),
            (["--parts", "cpu", "--tools", "floor,portable"], ["floor", "meshping"]),
            (["--parts", "cpu,truth", "--tools", "fping"], ["fping", "meshping", "responder"]),
        ]
        for arguments, programs in cases:
            self.assertEqual(options.needs(chosen(*arguments)), programs, arguments)
        with self.binary() as path:
            self.assertEqual(options.needs(chosen("--against", path)), ["meshping"])

    def test_sizes_are_sorted_and_each_is_measured_once(self):
        self.assertEqual(chosen("--sizes", "1000,100,1000").sizes, [100, 1000])


class GoalsTest(unittest.TestCase):
    def test_a_multiple_is_met_up_to_its_bound_and_missed_where_nothing_is_known(self):
        cases = [(3, 2, True), (3.1, 2, False), (NONE, 2, False), (3, NONE, False), (3, 0, False)]
        for value, reference, met in cases:
            self.assertIs(times("", value, reference, 1.5).met(), met, (value, reference))

    def test_a_goal_without_checks_is_missed(self):
        self.assertFalse(Goal("", []).met())
        self.assertTrue(Goal("", [Check("", 64, 64)]).met())

    def test_a_row_names_the_reference_of_a_multiple(self):
        line = Goal("list page", [times("median", 3, 2, 1.4)], "3 ms to 2 ms").row()
        self.assertEqual(line, "| list page | median ≤ 1.40 × reference | median 1.50 × reference (3 ms to 2 ms) | MISSED |")

    def costs(self, kinds=(Meshping, Fping, Prober), **changes):
        """Of one round with 1000 targets, in which every goal is met."""
        costs = Costs(types.SimpleNamespace(sizes=[1000], rounds=1, kinds=list(kinds)))
        taken = {"meshping": 3, "floor": 2, "fping": 6, "prober": 60} | changes
        for kind in kinds:
            run = Run(1000, taken[kind.program], 1, 2, 4, 0, taken["floor"], taken["meshping"])
            costs.runs[kind, 1000] = [run]
        return costs

    def missed(self, costs):
        return [goal.name for goal in goals.of_costs(costs, Meshping, Floor, Fping, Prober) if not goal.met()]

    def test_costs_are_compared_with_the_floor_and_the_rivals_of_the_same_round(self):
        cpu, rival = "CPU per ping, 1000 targets", "CPU per ping of {}, 1000 targets"
        cases = [
            ({}, []),
            ({"floor": 1.8}, [cpu]),
            ({"floor": NONE}, []),
            ({"fping": 5.9}, [rival.format("fping")]),
            ({"prober": 59}, [rival.format("smokeping_prober, udp")]),
            # A slower machine takes the same ratios.
            ({"meshping": 12, "floor": 8, "fping": 24, "prober": 240}, []),
        ]
        for changes, names in cases:
            self.assertEqual(self.missed(self.costs(**changes)), names, changes)

    def test_as_many_requests_are_wanted_as_the_floor_sends(self):
        costs = self.costs()
        costs.runs[Meshping, 1000][0].rate = 900
        self.assertEqual(self.missed(costs), ["CPU per ping, 1000 targets"])
        costs.runs[Floor, 1000] = [Run(900, 2, 1, NONE, NONE, NONE, 2, 3)]
        self.assertEqual(self.missed(costs), [])

    def test_a_round_whose_loss_is_unknown_misses_the_goal(self):
        costs = self.costs()
        costs.runs[Meshping, 1000] *= 2
        costs.runs[Meshping, 1000].append(Run(1000, 3, 1, NONE, NONE, NONE, 2, 3, "busy"))
        self.assertEqual(self.missed(costs), ["false loss, every round"])
        self.assertIn("RTT and loss unknown: busy", costs.cells(Meshping, 1000)[0])

    def test_a_rival_that_was_not_to_be_measured_has_no_goal(self):
        names = [goal.name for goal in goals.of_costs(self.costs([Meshping]), Meshping, Floor, Fping, Prober)]
        self.assertEqual(names, ["CPU per ping, 1000 targets", "false loss, every round"])


class ComparisonTest(unittest.TestCase):
    def test_the_ratio_of_the_medians_decides(self):
        cases = [
            ("the same", [10, 11, 12], [10, 11, 12], "✓"),
            ("at the bound", [10, 10, 10], [10.5, 10.5, 10.5], "✓"),
            ("above it", [10, 10, 10], [10.6, 10.6, 10.6], "WORSE"),
            ("above it, as rounds differ by more", [10, 10, 12], [9, 11, 11], "WORSE, within what rounds differ by"),
            ("one bad round", [10, 10, 10], [10, 10, 99], "✓"),
            ("a round without figures", [10, 10, 10], [10, NONE, 10], "✓"),
            ("none at all", [10, 10, 10], [NONE, NONE, NONE], "NOT MEASURED"),
            ("nothing before, nothing now", [0], [0], "✓"),
            ("nothing before", [0], [0.1], "WORSE"),
        ]
        for case, old, new, verdict in cases:
            figure = Figure(1000, "", ".1f", 1.05, 0, old, new)
            self.assertEqual(figure.verdict(), verdict, case)
            self.assertEqual(figure.worse(), verdict != "✓", case)

    def test_of_what_ran_side_by_side_the_median_of_the_ratios_decides(self):
        cases = [
            ("a machine that drifts", [10, 20, 30], [10, 20, 30], "✓"),
            ("worse in most rounds, though the medians are the same", [10, 20, 40], [11, 20, 45], "WORSE, within what rounds differ by"),
            ("worse in all rounds", [10, 20, 40], [11, 22, 44], "WORSE"),
            ("a round without figures", [10, NONE, 10], [10, 90, 10], "✓"),
            ("none at all", [10, 10], [NONE, NONE], "NOT MEASURED"),
            ("no round with both", [10, NONE], [NONE, 10], "WORSE"),
        ]
        for case, old, new, verdict in cases:
            figure = Figure(1000, "", ".1f", 1.05, 0, old, new, paired=True)
            self.assertEqual(figure.verdict(), verdict, case)
            self.assertEqual(figure.worse(), verdict != "✓", case)

    def test_two_that_are_asked_in_turn_are_each_the_first_as_often(self):
        asked = []

        def asker(name, seconds):
            for each in seconds:
                asked.append(name)
                yield each

        taken = side_by_side.in_turn({"old": asker("old", [1, 2, 9]), "new": asker("new", [4, 4])}, 3)
        self.assertEqual(asked, ["old", "new", "new", "old", "old"])
        self.assertEqual(taken["old"], 2)
        self.assertFalse(known(taken["new"]), "a missing answer makes it unknown")

    def test_what_is_allowed_depends_on_the_number_of_targets(self):
        self.assertEqual([factor_of(count) for count in (1, 100, 999)], [1.25] * 3)
        self.assertEqual([factor_of(count) for count in (1_000, 10_000, 100_000)], [1.05] * 3)

    def test_memory_may_grow_by_two_steps_of_the_heap_and_no_more(self):
        more = memory_allowance(100, 10_100)
        self.assertAlmostEqual(more, 26.2144)
        for new, worse in ((1000, False), (1026, False), (1027, True)):
            self.assertIs(Figure(1, "", ".0f", 1, more, [1000], [new]).worse(), worse)

    def test_a_figure_that_informs_is_never_worse(self):
        self.assertFalse(Figure(1, "", ".0f", old=[1], new=[99]).worse())

    def test_the_last_line_counts(self):
        figures = [
            Figure(1, "", ".0f", 1.05, 0, [10, 10], [20, 20]),
            Figure(1, "", ".0f", 1.05, 0, [10, 14], [13, 13]),
            Figure(1, "", ".0f", 1.05, 0, [10, 10], [10, 10]),
            Figure(1, "", ".0f", old=[1], new=[99]),
        ]
        self.assertTrue(comparison.last_line(figures).startswith("2 of 3 figures worse than allowed (1 of them unclear"))
        self.assertEqual(comparison.last_line(figures[2:]), "0 of 1 figures worse than allowed.")


class AnswerTest(unittest.TestCase):
    def test_an_error_of_the_daemon_is_told_as_it_is(self):
        with self.assertRaisesRegex(daemon.Refused, "answers to list: it is busy"):
            daemon.answer("list", b'{"status": "error", "errmessage": "it is busy"}')
        self.assertEqual(daemon.answer("reset", b'{"status": "ok"}'), {"status": "ok"})
        self.assertEqual(daemon.answer("histogram", b'{"-83": 2}'), {"-83": 2})


class FiguresTest(unittest.TestCase):
    def test_a_ratio_to_nothing_is_unknown(self):
        self.assertEqual(ratio(3, 2), 1.5)
        self.assertFalse(known(ratio(3, 0)) or known(ratio(NONE, 1)) or known(ratio(1, NONE)))

    def test_the_first_request_is_not_on_the_grid(self):
        at = [0, 400_000_000, 1_400_000_000, 2_403_000_000]
        self.assertEqual(wire.off_grid(at), [0.0, 3.0])


if __name__ == "__main__":
    unittest.main()
