"""Runs every test_*.py beside this file, or the ones named; the last line counts. Several run in processes of their own, one for each processor."""

import concurrent.futures
import os
import re
import subprocess
import sys
import unittest

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, "test")
COUNT = re.compile(r"^(\d+) passed, (\d+) failed\n\Z", re.MULTILINE)


def run_one(name):
    """Returns how many tests passed and failed, and whether all of them passed."""
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    result = unittest.TextTestRunner(verbosity=2 if os.environ.get("V") else 1).run(suite)
    failed = len(result.failures) + len(result.errors)
    return result.testsRun - failed, failed, failed == 0 and result.testsRun > 0 and not result.skipped


def run_apart(name):
    """Runs a file in its own process and prints its output at the end, so that outputs are not mixed."""
    ended = subprocess.run([sys.executable, "test/run.py", name], capture_output=True, text=True, check=False)
    print(name, file=sys.stderr)
    sys.stderr.write(ended.stderr)
    found = COUNT.search(ended.stdout)
    passed, failed = map(int, found.groups()) if found else (0, 1)
    sys.stderr.write(COUNT.sub("", ended.stdout))
    return passed, failed, ended.returncode == 0


def run(names):
    if len(names) == 1:
        return run_one(names[0])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        passed, failed, sound = zip(*pool.map(run_apart, names))
    return sum(passed), sum(failed), all(sound)


found = sorted(name.removesuffix(".py") for name in os.listdir("test") if name.startswith("test_") and name.endswith(".py"))
passed, failed, sound = run(sys.argv[1:] or found)
print(f"{passed} passed, {failed} failed")
sys.exit(not sound)
