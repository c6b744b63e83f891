import pino from "pino";

import { noCeilings } from "../../src/core/machines/budget.js";
import { openCore } from "../../src/core/open.js";
import { openHome } from "../../src/host/home.js";
import { aboutSmall, buildCall, smallRequest } from "./snapshot-scratch.js";

/** Starts a machine, prints its handle, and dies while the machine is paused for a snapshot. */
const core = await openCore({
  home: openHome(),
  version: "test",
  log: pino({ level: "silent" }),
  ceilings: noCeilings,
});
const call = buildCall();
const { machine, environmentDigest } = await core.machines.acquire(smallRequest("vm-0000000000ff"), call);
process.stdout.write(`${JSON.stringify({ id: machine.id, handle: machine.handle, environmentDigest })}\n`);
await core.snapshots.create(machine, aboutSmall(environmentDigest), {
  signal: call.signal,
  onPaused: () => void process.kill(process.pid, "SIGKILL"),
});
