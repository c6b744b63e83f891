"""A program of E2B's code interpreter in Python, as agents' frameworks call it."""

from e2b_code_interpreter import Sandbox

with Sandbox.create(timeout=120) as sandbox:
    first = sandbox.run_code("x = 20\nprint('hello')\nx + 1")
    assert first.text == "21" and first.logs.stdout == ["hello\n"], first
    assert sandbox.run_code("x * 2").text == "40"
    error = sandbox.run_code("1 / 0").error
    assert (error.name, error.value) == ("ZeroDivisionError", "division by zero")
    context = sandbox.create_code_context(cwd="/tmp")
    assert sandbox.run_code("import os; os.getcwd()", context=context).text == "/tmp"
    assert sandbox.run_code("import os; os.environ['ONE']", envs={"ONE": "1"}).text == "1"
    sandbox.files.write("data.csv", "a,b\n1,2\n3,4\n")
    total = sandbox.run_code("import csv\nsum(int(row['b']) for row in csv.DictReader(open('data.csv')))")
    assert total.text == "6"
print("code done")
