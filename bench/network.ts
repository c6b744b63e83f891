import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { median, timeMs } from "../src/bench/numbers.js";
import { column, type Table } from "../src/bench/table.js";
import type { Machine } from "../src/backend/backend.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { wake } from "../src/guest/wake.js";
import type { Home } from "../src/host/home.js";
import { openBackend } from "./backend.js";
import { untilCheckpointed } from "./checkpoint.js";
import { rounds } from "./rounds.js";

const STARTS = rounds(15);
const ROUNDS = rounds(5);
const BYTES = 256 * 1_048_576;
const PIECE = Buffer.alloc(262_144);

/** The cost of a network at the start, one VM with and one without in turn, and its throughput. */
export async function benchNetwork(home: Home): Promise<Table[]> {
  const { backend, environment, release } = await openBackend(home);
  const { sink, source, close } = await openServers();
  const shape = { vcpuCount: 1, memMib: 1024, diskMib: 10_240 };
  const common = { signal: new AbortController().signal, onProgress: () => {} };
  const allow = [`127.0.0.1:${sink}`, `127.0.0.1:${source}`];
  let count = 0;
  const start = async (hasNetwork: boolean): Promise<Machine> => {
    const network = hasNetwork ? { allow, deny: [], allowHosts: [], hostEnv: {}, hostCaFiles: null } : null;
    const options = { ...common, network };
    const machine = await backend.start(`vm-net-${count++}`, environment, { ...shape, network: hasNetwork }, options);
    await wake(machine.channel, "bench", machine.network?.guest);
    await runForExit(machine.channel, "sh -c true");
    return machine;
  };
  for (const hasNetwork of [false, true]) await (await start(hasNetwork)).destroy();
  await untilCheckpointed(home.path);
  const times = { with: [] as number[], without: [] as number[] };
  for (let index = 0; index < STARTS; index++) {
    for (const kind of ["without", "with"] as const) {
      let machine: Machine | null = null;
      times[kind].push(await timeMs(async () => (machine = await start(kind === "with"))));
      await (machine as Machine | null)?.destroy();
    }
  }
  const base = median(times.without);
  const starts: Table = {
    title: "A network at the start: a new VM to the end of its first `sh -c true`",
    columns: [column.text("what"), column.count("n"), column.ms("median"), column.ratio("÷ without")],
    rows: (["without", "with"] as const).map((kind) => [
      kind === "with" ? "with `--network`" : "without",
      STARTS,
      median(times[kind]),
      median(times[kind]) / base,
    ]),
  };

  const machine = await start(true);
  try {
    const gateway = machine.network!.guest.gateway4;
    const out = `dd if=/dev/zero bs=256k count=${BYTES / PIECE.length} 2>/dev/null >/dev/tcp/${gateway}/${sink}`;
    const into = `dd of=/dev/null bs=256k 2>/dev/null </dev/tcp/${gateway}/${source}`;
    const inGuest = (script: string) => measure(() => runForExit(machine.channel, `bash -c '${script}'`));
    const rows: [string, number][] = [
      ["host: into a socket of the same server", await measure(() => transfer(sink, pour))],
      ["host: out of it", await measure(() => transfer(source, () => {}))],
      ["VM: `dd` into a socket of that server", await inGuest(out)],
      ["VM: `dd` out of it", await inGuest(into)],
    ];
    const throughput: Table = {
      title: `Throughput of a VM's network, ${BYTES / 1_048_576} MiB over TCP`,
      columns: [column.text("what"), column.ms("median"), column.megabytes("MB/s"), column.ratio("÷ host")],
      rows: rows.map(([name, ms], index) => [name, ms, BYTES / 1000 / ms, rows[index % 2]![1] / ms]),
    };
    return [starts, throughput];
  } finally {
    await machine.destroy();
    close();
    release();
  }
}

async function measure(work: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) samples.push(await timeMs(work));
  return median(samples);
}

/** One server reads everything, the other sends that many bytes to each client. */
async function openServers(): Promise<{ sink: number; source: number; close: () => void }> {
  const sink = createServer((socket) => socket.on("error", () => {}).resume());
  const source = createServer((socket) => pour(socket.on("error", () => {})));
  const ports = await Promise.all([sink, source].map(listen));
  return { sink: ports[0]!, source: ports[1]!, close: () => [sink, source].forEach((server) => server.close()) };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

/** Writes that many bytes as fast as they are taken, and ends. */
function pour(socket: Socket): void {
  let left = BYTES;
  const give = () => {
    while (left > 0) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
    socket.end();
  };
  socket.on("drain", give);
  give();
}

function transfer(port: number, work: (socket: Socket) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1").on("error", reject).resume();
    socket.on("close", () => resolve()).on("connect", () => work(socket));
  });
}
