"""Runs every test_*.py beside this file, or the ones named; the last line counts."""

import os
import sys
import unittest

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, "test")
loader = unittest.defaultTestLoader
suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover("test", "test_*.py")
result = unittest.TextTestRunner(verbosity=2 if os.environ.get("V") else 1).run(suite)
failed = len(result.failures) + len(result.errors)
print(f"{result.testsRun - failed} passed, {failed} failed")
sys.exit(failed != 0 or result.testsRun == 0 or bool(result.skipped))
