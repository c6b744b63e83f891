import type { OutputSink } from "../../guest/exec.js";
import { follow } from "../../store/follow.js";
import { openOutputLog, type OutputLog } from "../../store/output-log.js";
import { OutputOrderFile } from "../../store/output-order.js";
import type { Call } from "../call.js";

/** Both output streams of a command on disk, which may still grow, and the order of arrival. */
export interface Logs {
  readonly stdout: OutputLog;
  readonly stderr: OutputLog;
  readonly order: OutputOrderFile;
}

/** Opens the logs of a command. They are closed at once if the command has ended. */
export async function openLogs(directory: string, isRunning: boolean): Promise<Logs> {
  const [stdout, stderr] = await Promise.all([openOutputLog(directory, "stdout"), openOutputLog(directory, "stderr")]);
  const order = await OutputOrderFile.open(directory, { stdout: stdout.totalBytes, stderr: stderr.totalBytes });
  if (!isRunning) await Promise.all([stdout.close(), stderr.close()]);
  return { stdout, stderr, order };
}

/** The command has no further output. */
export async function closeLogs({ stdout, stderr, order }: Logs): Promise<void> {
  await Promise.all([stdout.close(), stderr.close()]);
  await order.save();
}

/** Writes a command's output to its logs. */
export function sinkOf(logs: Logs): OutputSink {
  return {
    onArrival: (stream, sizeBytes) => logs.order.add(stream, sizeBytes),
    async onOutput(stream, bytes) {
      await logs[stream].append(bytes);
      // The output does not wait until its order is saved.
      void logs.order.save();
    },
  };
}

/** Sends both streams to a caller, from these offsets to their ends; output that is no longer kept becomes a gap. */
export async function sendLogs(
  logs: Logs,
  from: Readonly<Record<"stdout" | "stderr", number>>,
  call: Call,
): Promise<void> {
  const send = async (stream: "stdout" | "stderr") => {
    let expected = from[stream];
    for await (const { offset, bytes } of follow(logs[stream], {
      from: expected,
      signal: call.signal,
      blocking: true,
    })) {
      if (offset > expected) await call.emit({ event: "gap", stream, bytes: offset - expected });
      await call.emit({ event: stream, data: bytes });
      expected = offset + bytes.length;
    }
  };
  await Promise.all([send("stdout"), send("stderr")]);
}
