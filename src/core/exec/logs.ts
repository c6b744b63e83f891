import { openOutputLog, type OutputLog } from "../../store/output-log.js";
import { OutputOrderFile } from "../../store/output-order.js";
import type { OutputSink } from "../../guest/exec.js";

/** Both output streams of a command on disk, which may still grow, and the order of arrival. */
export interface Logs {
  readonly stdout: OutputLog;
  readonly stderr: OutputLog;
  readonly order: OutputOrderFile;
}

/** Opens the logs of a command; as closed logs, if the command has ended. */
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
      // The output is not kept waiting for its order.
      void logs.order.save();
    },
  };
}
