import { join } from "node:path";

import { runForExit } from "../src/guest/exec.js";
import { wake } from "../src/guest/wake.js";
import type { Home } from "../src/host/home.js";
import { agentPath, openBackend } from "./backend.js";
import { timeColdBoot } from "./cold-boot.js";
import { median, printTable, renderMs, renderRatio, timeMs } from "./numbers.js";

const COLD_BOOTS = 3;
const CLONES = 15;
const SHAPE = { vcpuCount: 1, memMib: 1024, diskMib: 10_240, network: false };

/** A cold boot beside a clone, both until the first `sh -c true` has finished. Leaves a template behind for what comes next. */
export async function benchStart(home: Home): Promise<void> {
  const { signal } = new AbortController();
  const { backend, environment, release } = await openBackend(home);
  const toolchain = await backend.toolchain();

  const options = { signal, onProgress: () => {}, persistent: false, network: null };
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
  release();
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
