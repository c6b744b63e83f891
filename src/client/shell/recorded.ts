import type { ResultOf } from "../../contract/operations.js";
import type { Client } from "../client.js";
import { readOutput } from "../task-output.js";
import { Screen } from "./screen.js";

type ShellView = ResultOf<"task.shell.list">["shells"][number];

/** How much of the recorded output a screen is drawn from. */
const DRAWN_BYTES = 262_144;
const PAGE_BYTES = 1_048_576;

/** A piece of the output of a shell. */
export interface Piece {
  readonly bytes: Buffer;
  readonly next: number;
  readonly exitCode: number | null;
  readonly isOver: boolean;
}

/** The output of a shell from an offset on; waits for some. */
export async function readPiece(
  client: Client,
  place: { readonly task_id: string; readonly sequence: number; readonly offset: number },
  waitSeconds: number,
  signal?: AbortSignal,
): Promise<Piece> {
  const { task_id, sequence, offset } = place;
  const page = await readOutput(
    client,
    {
      ...{ task_id, sequence, stdout_offset: offset, max_bytes: PAGE_BYTES },
      ...{ wait_seconds: waitSeconds, encoding: "base64" },
    },
    signal ? { signal } : {},
  );
  return {
    bytes: Buffer.from(page.stdout, "base64"),
    next: page.next_stdout_offset,
    exitCode: page.exit_code,
    isOver: page.complete,
  };
}

/** The screen of a shell as its recorded output draws it, and the offset up to which it is drawn. */
export async function drawScreen(
  client: Client,
  task_id: string,
  shell: ShellView,
  until = Infinity,
): Promise<{ readonly screen: Screen; readonly offset: number }> {
  const { sequence } = shell;
  const { stdout_bytes: total } = await readOutput(client, { task_id, sequence, max_bytes: 1 }, {});
  const screen = new Screen(shell);
  const end = Math.min(total, until);
  let offset = Math.max(0, end - DRAWN_BYTES);
  while (offset < end) {
    const { bytes, next } = await readPiece(client, { task_id, sequence, offset }, 0);
    if (next === offset) break;
    const start = next - bytes.length;
    const drawn = bytes.subarray(0, Math.max(0, end - start));
    await screen.write(drawn);
    offset = Math.min(end, next);
  }
  return { screen, offset };
}
