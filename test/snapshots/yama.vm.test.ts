import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Exec } from "../../src/guest/exec.js";
import { output, SnapshotScratch } from "./snapshot-scratch.js";

const pages = fileURLToPath(new URL("../../../keeper/build/pyro-pages", import.meta.url));
const AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups";

// A guest's kernel has Yama, whether or not the host's has it.
test("an ordinary user may read the memory of a program in a user namespace, such as QEMU, under Yama 0, 1 and 2, and not under 3", async () => {
  await using scratch = await new SnapshotScratch().open();
  const machine = await scratch.startMachine();
  const request = { command: "cat >/run/pyro-pages && chmod 755 /run/pyro-pages", cwd: "/", env: {} };
  const stdin = createReadStream(pages);
  const copying = await Exec.start(machine.channel, { ...request, stdin, onOutput: async () => {} });
  assert.equal((await copying.finished).exit_code, 0);
  await output(
    machine,
    `${AS_NOBODY} setsid unshare --user sleep 1000 >/dev/null 2>&1 & ${AS_NOBODY} setsid tail -f /dev/null >/dev/null 2>&1 &
     until pgrep -x sleep && pgrep -x tail; do sleep 0.05; done`,
  );
  const tries = async (scope: number, program: string) => {
    const set = `echo ${scope} >/proc/sys/kernel/yama/ptrace_scope`;
    return output(machine, `${set}; ${AS_NOBODY} /run/pyro-pages try $(pgrep -x ${program}) 2>/dev/null; echo $?`);
  };
  const [allowed, denied] = ["0", "4"];
  for (const scope of [0, 1, 2]) assert.equal(await tries(scope, "sleep"), allowed, `scope ${scope}`);
  // A process without a namespace of its own shows that the guest's Yama decides.
  assert.equal(await tries(0, "tail"), allowed);
  assert.equal(await tries(1, "tail"), denied);
  assert.equal(await tries(3, "sleep"), denied);
});
