import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { QemuBackend } from "../src/backend/qemu/qemu.js";
import { openEnvironmentCache } from "../src/environments/cache.js";
import { debianSource } from "../src/environments/debian.js";
import { runForExit } from "../src/guest/exec.js";
import { wake } from "../src/guest/wake.js";
import type { Home } from "../src/host/home.js";
import { openLog } from "../src/host/log.js";
import { timeColdBoot } from "./cold-boot.js";
import { median, printTable, renderMs, renderRatio, timeMs } from "./numbers.js";

const ENVIRONMENT = "debian:12";
const COLD_BOOTS = 3;
const CLONES = 15;
const SHAPE = { vcpuCount: 1, memMib: 1024, diskMib: 10_240 };
const agentPath = fileURLToPath(new URL("../../guest/build/pyro-agent", import.meta.url));

/** A cold boot beside a clone, both until the first `sh -c true` has finished. Leaves a template behind for what comes next. */
export async function benchStart(home: Home): Promise<void> {
  const log = openLog(join(home.path, "bench.log"));
  const { signal } = new AbortController();
  const environments = await openEnvironmentCache({
    directory: join(home.path, "environments"),
    source: debianSource(),
    log,
  });
  let held = await environments.acquire(ENVIRONMENT);
  if (held === null) {
    process.stderr.write(`pulling ${ENVIRONMENT}\n`);
    await environments.pull(ENVIRONMENT, { rebuild: false, signal, onProgress: () => {} });
    held = await environments.acquire(ENVIRONMENT);
  }
  if (held === null) throw new Error(`${ENVIRONMENT} could not be pulled`);
  const { environment } = held;
  const shared = { homePath: home.path, runtimePath: home.runtime, agentPath };
  const backend = await QemuBackend.open({ ...shared, preference: process.env["PYRO_ACCEL"], log });
  const toolchain = await backend.toolchain();

  const options = { signal, onProgress: () => {}, persistent: false };
  const templateMs = await timeMs(() => backend.prepare(environment, SHAPE, options));
  const accelerator = await (await backend.accelerators()).current();

  const cold: number[] = [];
  for (let index = 0; index < COLD_BOOTS; index++) {
    const directory = join(home.path, `cold-${index}`);
    const runDirectory = join(home.runtime, `cold-${index}`);
    cold.push(
      await timeColdBoot({ toolchain, accelerator, shape: SHAPE, environment, agentPath, directory, runDirectory }),
    );
  }

  const clones: number[] = [];
  const seconds: number[] = [];
  for (let index = 0; index < CLONES; index++) {
    const started = performance.now();
    const machine = await backend.start(`vm-bench-${index}`, environment, SHAPE, options);
    try {
      await wake(machine.channel, "bench");
      await runForExit(machine.channel, "sh -c true");
      clones.push(performance.now() - started);
      seconds.push(await timeMs(() => runForExit(machine.channel, "sh -c true")));
    } finally {
      await machine.destroy();
    }
  }

  printTable(
    `Start, on ${accelerator}: a new VM to the end of its first \`sh -c true\``,
    ["what", "n", "median", "best", "worst", "÷ clone"],
    [
      row(`cold boot`, cold, median(clones)),
      row("clone of a template", clones, median(clones)),
      row("the next `sh -c true` in it", seconds, median(clones)),
      ["making the template, once (with what is found out about kvm)", "1", renderMs(templateMs), "", "", ""],
    ],
  );
  held.release();
}

function row(name: string, samples: readonly number[], base: number): string[] {
  const middle = median(samples);
  return [
    name,
    String(samples.length),
    renderMs(middle),
    renderMs(Math.min(...samples)),
    renderMs(Math.max(...samples)),
    renderRatio(middle / base),
  ];
}
