import { join } from "node:path";

import { median, timeMs } from "../src/bench/numbers.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { wake } from "../src/guest/wake.js";
import type { Home } from "../src/host/home.js";
import { agentPath, openBackend } from "./backend.js";
import { untilCheckpointed } from "./checkpoint.js";
import { timeColdBoot } from "./cold-boot.js";
import { rounds } from "./rounds.js";

const COLD_BOOTS = rounds(3);
const CLONES = rounds(15);
const SHAPE = { vcpuCount: 1, memMib: 1024, diskMib: 10_240, network: false };

/**
 * A cold boot, a clone with a QEMU of its own, and one that continues the template's checkpoint, where there is one: each until the first
 * `sh -c true` has finished. Leaves a template behind for what comes next.
 */
export async function benchStart(home: Home): Promise<Table[]> {
  const { signal } = new AbortController();
  const { backend, environment, release } = await openBackend(home);
  const toolchain = await backend.toolchain();

  const options = { signal, onProgress: () => {}, network: null };
  const start = (id: string) => backend.start(id, environment, SHAPE, options);
  const firstMs = await timeMs(async () => (await start("vm-bench-first")).destroy());
  // It makes no checkpoint from here on.
  await backend.close();
  const accelerator = await (await backend.accelerators()).current();

  const cold: number[] = [];
  for (let index = 0; index < COLD_BOOTS; index++) {
    const directory = join(home.path, `cold-${index}`);
    const runDirectory = join(home.runtime, `cold-${index}`);
    cold.push(
      await timeColdBoot({ toolchain, accelerator, shape: SHAPE, environment, agentPath, directory, runDirectory }),
    );
  }

  const seconds: number[] = [];
  const startClones = async (begin: typeof start): Promise<number[]> => {
    const clones: number[] = [];
    for (let index = 0; index < CLONES; index++) {
      const started = performance.now();
      const machine = await begin(`vm-bench-${index}`);
      try {
        await wake(machine.channel, "bench");
        await runForExit(machine.channel, "sh -c true");
        clones.push(performance.now() - started);
        seconds.push(await timeMs(() => runForExit(machine.channel, "sh -c true")));
      } finally {
        await machine.destroy();
      }
    }
    return clones;
  };
  const clones = await startClones(start);
  const { backend: next, release: releaseNext } = await openBackend(home);
  const startNext = (id: string) => next.start(id, environment, SHAPE, options);
  await (await startNext("vm-bench-next")).destroy();
  await untilCheckpointed(home.path);
  const continued = await startClones(startNext);

  releaseNext();
  release();
  return [
    {
      title: `Start, on ${accelerator}: a new VM to the end of its first \`sh -c true\``,
      columns: [
        column.text("what"),
        column.count("n"),
        column.ms("median"),
        column.ms("best"),
        column.ms("worst"),
        column.ratio("÷ clone"),
      ],
      rows: [
        row("cold boot", cold, median(clones)),
        row("clone of a template, with a QEMU of its own", clones, median(clones)),
        row("clone that continues the template's checkpoint of QEMU (without KVM)", continued, median(clones)),
        row("the next `sh -c true` in either", seconds, median(clones)),
        ["the first start, which makes the template (and finds out about kvm)", 1, firstMs, null, null, null],
      ],
    },
  ];
}

function row(name: string, samples: readonly number[], base: number): Cell[] {
  const middle = median(samples);
  return [name, samples.length, middle, Math.min(...samples), Math.max(...samples), middle / base];
}
