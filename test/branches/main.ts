import { TaskScratch } from "../faults/task-scratch.js";
import { branchShapes } from "./shapes.js";
import { random, seed } from "../seed.js";
import { freezeAVm, interruptATry, tryFromEveryDoor } from "./every-door.js";
import { fillDisks } from "./fill-disks.js";
import { Kills, operations, victims } from "./kills.js";

const DEFAULT_ROUNDS = 30;

/**
 * Kills the daemon, the VM, the helper that copies memory, or the client at random moments of branch operations, and checks each time
 * that nothing acknowledged is lost, no half snapshot is used, nothing is left, and the task runs on. Before that, four variants are
 * tried from every door, one try is interrupted, one VM is stopped by the host, and the disk of
 * another home is full.
 */
async function main(): Promise<void> {
  const rounds = Number(process.env["PYRO_FAULT_ROUNDS"] ?? DEFAULT_ROUNDS);
  process.stdout.write(`seed ${seed}, ${rounds} kills\n`);
  await using scratch = new TaskScratch();
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  await tryFromEveryDoor(scratch, say);
  await interruptATry(scratch, say);
  await freezeAVm(scratch, say);
  await branchShapes(scratch, say);
  await fillDisks(say);
  const kills = await Kills.open(scratch);
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]!;
  for (let number = 1; number <= rounds; number += 1) {
    // Each operation as often as the others.
    const operation = operations[number % operations.length]!;
    const victim = pick(victims);
    const started = performance.now();
    const { afterMs, hit, status, state } = await kills.round(number, operation, victim);
    const took = ((performance.now() - started) / 1_000).toFixed(1);
    const answer = status === null ? "killed" : `exit ${status}`;
    process.stdout.write(
      `${number} ${operation}: ${victim} ${hit ? "killed" : "not found"} after ${afterMs} ms; ${answer}, ${state}; ${took} s\n`,
    );
  }
  await kills.close();
  process.stdout.write(`passed: ${rounds} kills, seed ${seed}\n`);
}

await main();
