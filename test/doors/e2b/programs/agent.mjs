// The work of a coding agent: brings a project, runs its tests, reads the failure, corrects the file, runs them again.
import assert from "node:assert/strict";

import { CommandExitError, Sandbox } from "e2b";

const sandbox = await Sandbox.create();
try {
  await sandbox.files.write([
    { path: "project/calc.py", data: "def add(a, b):\n    return a - b\n" },
    {
      path: "project/test_calc.py",
      data: "import unittest\nfrom calc import add\n\nclass Test(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(add(2, 3), 5)\n",
    },
  ]);
  const test = () => sandbox.commands.run("python3 -m unittest -q", { cwd: "/home/user/project" });
  const failure = await test().catch((error) => error);
  assert.ok(failure instanceof CommandExitError);
  assert.match(failure.stderr, /AssertionError: -1 != 5/);
  const source = await sandbox.files.read("project/calc.py");
  await sandbox.files.write("project/calc.py", source.replace("a - b", "a + b"));
  assert.equal((await test()).exitCode, 0);

  const git = (line) => sandbox.commands.run(`git ${line}`, { cwd: "/home/user/project" });
  await git("init -q -b main");
  await git("-c user.name=a -c user.email=a@example.org add .");
  await git("-c user.name=a -c user.email=a@example.org commit -qm 'Correct add'");
  assert.match((await git("log --oneline")).stdout, /^[0-9a-f]+ Correct add\n$/);
  await sandbox.commands.run("sudo mkdir -p /srv/data && sudo chown user /srv/data && touch /srv/data/own");
  assert.equal((await sandbox.files.getInfo("/srv/data/own")).owner, "user");
} finally {
  await sandbox.kill();
}
console.log("agent done");
