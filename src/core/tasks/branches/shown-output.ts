import { limits } from "../../../contract/limits.js";
import { renderKept } from "../../../store/render-kept.js";
import type { TaskExec } from "../../exec/task-exec.js";

/** A stream of a command, in the form for a result. */
export interface Shown {
  readonly text: string;
  readonly omittedBytes: number;
}

/** Both streams of a command that has ended. Bytes that are not UTF-8 become U+FFFD. */
export async function readBoth(exec: TaskExec): Promise<[Shown, Shown]> {
  const { stdout, stderr } = await exec.output();
  const read = async (log: typeof stdout): Promise<Shown> => {
    const { text, encoding, omittedBytes } = await renderKept(log, limits.tryOutputBytes, exec.isCutOff);
    return { text: encoding === "base64" ? Buffer.from(text, "base64").toString() : text, omittedBytes };
  };
  return [await read(stdout), await read(stderr)];
}
