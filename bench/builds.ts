import { setTimeout as sleep } from "node:timers/promises";

import { column, type Cell, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import type { BenchHome } from "./home.js";

const MEM_MIB = 1024;
const DEFAULT_MINUTES = 60;
const LOOK_MS = 5_000;
const ROWS = 6;
/** A build: 40 files of C compiled and linked with two jobs, run, committed, packed and removed again. It prints a line at its end. */
const BUILD = String.raw`
set -e
rm -rf build && mkdir build && cd build
i=0
while [ $i -lt 40 ]; do
  printf 'int f%d(int a, char *b) { int s = 0; for (int i = 0; i < a; i++) s += b[i] * %d; return s; }\n' $i $i > f$i.c
  i=$((i+1))
done
printf 'int main(void) { return 0; }\n' > main.c
printf 'app: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\tgcc -o $@ $^\n' > Makefile
make -s -j2 CFLAGS=-O2 app && ./app
git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm build
tar czf ../build.tar.gz . && cd .. && rm -rf build
echo built`;

/** The host memory that a VM takes during an hour of builds (BENCH_MINUTES sets how long), and the memory reserved for it. */
export async function benchBuilds({ env }: BenchHome): Promise<Table[]> {
  const client = openClient(env);
  const minutes = Number(process.env["BENCH_MINUTES"] ?? DEFAULT_MINUTES);
  await client.call("env.pull", { environment: "debian:12-build" });
  const { task_id } = await client.call("task.create", { environment: "debian:12-build", mem_mib: MEM_MIB });
  const { sequence } = await client.call("task.exec", {
    task_id,
    command: `while (${BUILD}\n); do :; done`,
    background: true,
  });
  const rows: Cell[][] = [];
  const startedMs = Date.now();
  let highestMib = 0;
  for (let row = 1; row <= ROWS; row++) {
    const untilMs = startedMs + (row / ROWS) * minutes * 60_000;
    while (Date.now() < untilMs) {
      await sleep(LOOK_MS);
      const { memory_bytes } = await client.call("task.status", { task_id });
      highestMib = Math.max(highestMib, (memory_bytes ?? 0) / 2 ** 20);
    }
    const { memory_bytes, memory_reserved_mib } = await client.call("task.status", { task_id });
    const { stdout, state } = await client.call("task.exec_output", { task_id, sequence });
    if (state !== "running") throw new Error("The builds ended before their time.");
    const minute = (Date.now() - startedMs) / 60_000;
    const builds = stdout.split("built").length - 1;
    rows.push([minute, builds, (memory_bytes ?? 0) / 2 ** 20, highestMib, memory_reserved_mib ?? 0]);
  }
  await client.call("task.delete", { task_id });
  return [
    {
      title: `A VM of ${MEM_MIB} MiB under builds`,
      columns: [
        ...["minutes", "builds"].map(column.count),
        ...["resident", "highest so far", "reserved for it"].map(column.mib),
      ],
      rows,
    },
  ];
}
