import assert from "node:assert/strict";
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { TaskScratch } from "../faults/task-scratch.js";

const built = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PROGRAM = "./node dist/test/host/control-groups-process.js /workspace/pyro-join";

/** The files that a script in the guest needs. So the test has control groups, whatever this host has. */
function makeSource(): string {
  const directory = mkdtempSync(join(tmpdir(), "pcg-"));
  for (const path of ["src/host", "src/contract", "src/start.cjs"])
    cpSync(built(path), join(directory, "dist", path), { recursive: true });
  const script = "test/host/control-groups-process.js";
  cpSync(built(script), join(directory, "dist", script));
  cpSync(built("../package.json"), join(directory, "package.json"));
  cpSync(built("../keeper/build/pyro-join"), join(directory, "pyro-join"));
  cpSync(realpathSync(process.execPath), join(directory, "node"));
  return directory;
}

test("control groups limit memory and processes, and are removed with all that is in them", async (t) => {
  await using scratch = new TaskScratch();
  const source = makeSource();
  t.after(() => rmSync(source, { recursive: true }));
  const task = await scratch.create({ source_path: source, mem_mib: 1024 });
  const run = async (script: string) => {
    const { exit_code, stdout, stderr } = await scratch.execHere(task, script, {}, 600);
    assert.deepEqual([exit_code, stdout], [0, "as expected\n"], stderr);
  };

  await t.test("as root: limits hold, and groups are removed", () => run(`${PROGRAM} limits`));

  const asUser = "setpriv --reuid=1000 --regid=1000 --clear-groups";
  // The shell takes the place of flock, the daemon's parent, which is moved too.
  const inScope = (name: string, program: string, other = "") => `cd /sys/fs/cgroup
    echo +memory +pids >cgroup.subtree_control
    mkdir ${name}
    chown 1000:1000 ${name} ${name}/cgroup.procs ${name}/cgroup.subtree_control
    ${other}
    echo $$ >${name}/cgroup.procs
    cd /workspace
    ${asUser} ${program}
    echo $$ >/sys/fs/cgroup/cgroup.procs`;
  await t.test("as an ordinary user, in a group that was delegated: the daemon's processes move", () =>
    run(inScope("one", `${PROGRAM} limits`)),
  );
  const another = `sh -c 'echo 0 >two/cgroup.procs; exec sleep 1000' >/dev/null 2>&1 &
    until grep -q . two/cgroup.procs; do :; done`;
  await t.test("no groups are made where another program runs in that group", () =>
    run(inScope("two", `${PROGRAM} 'other programs run'`, another)),
  );
  await t.test("no groups are made in a group that was not delegated", () =>
    run(`${asUser} ${PROGRAM} 'not delegated'`),
  );
});
