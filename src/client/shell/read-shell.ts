import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import type { CallOptions, Client } from "../client.js";
import { drawScreen, readPiece, type Piece } from "./recorded.js";
import type { Screen } from "./screen.js";

type ReadInput = ArgumentsOf<"task.shell.read">;
type ShellScreen = ResultOf<"task.shell.read">;
type ShellView = ResultOf<"task.shell.list">["shells"][number];

/** Output that pauses for this long counts as ended for now. */
const IDLE_MS = 500;
/** How much new output is searched for a text. */
const KEPT_LENGTH = 65_536;

/** The screen of a shell: once a text is on it, or its output has paused, or the caller's time is over. */
export async function readShell(client: Client, input: ReadInput, { signal }: CallOptions): Promise<ShellScreen> {
  const { task_id, name = "main" } = input;
  const shell = await findShell(client, task_id, name);
  const { screen, offset } = await drawScreen(client, task_id, shell, input.offset);
  try {
    return await readUntil(client, { shell, screen, offset }, input, signal);
  } finally {
    screen.close();
  }
}

interface Reading {
  readonly shell: ShellView;
  readonly screen: Screen;
  /** The offset up to which its output is drawn. */
  readonly offset: number;
}

async function readUntil(
  client: Client,
  { shell, screen, offset }: Reading,
  input: ReadInput,
  signal: AbortSignal | undefined,
): Promise<ShellScreen> {
  const { task_id, wait_for: wanted, wait_seconds: seconds = 10 } = input;
  await screen.mark();
  const deadline = performance.now() + seconds * 1000;
  const place = { task_id, sequence: shell.sequence };
  const appeared = watchText(screen, wanted ?? "", input.offset === undefined);
  let last = await readPiece(client, { ...place, offset }, 0, signal);
  await screen.write(last.bytes);
  appeared.add(last.bytes);
  let at = last.next;
  let found = wanted !== undefined && appeared.isThere();
  while (!found && !last.isOver && performance.now() < deadline) {
    const left = deadline - performance.now();
    const piece = await nextPiece(
      client,
      { ...place, offset: at },
      wanted === undefined ? Math.min(left, IDLE_MS) : left,
      signal,
    );
    signal?.throwIfAborted();
    if (piece !== null) {
      await screen.write(piece.bytes);
      appeared.add(piece.bytes);
      [last, at] = [piece, piece.next];
    }
    const isQuiet = piece === null || piece.bytes.length === 0;
    found = wanted === undefined ? isQuiet && left > 0 : appeared.isThere();
  }
  const { text, scrolled, cursor } = screen.drawn;
  return {
    ...{ task_id, ...shell, state: last.isOver ? "ended" : shell.state, exit_code: last.exitCode },
    ...{ screen: text, scrolled, cursor_row: cursor.row, cursor_col: cursor.col, offset: at, found },
  };
}

/** Looks for a text in new output, and on the screen; unless `mayBeOld`, only on one that did not show it before. */
function watchText(screen: Screen, wanted: string, mayBeOld: boolean) {
  const wasShown = !mayBeOld && screen.drawn.text.includes(wanted);
  let output = "";
  return {
    add(bytes: Buffer) {
      output = (output + bytes.toString()).slice(-KEPT_LENGTH);
    },
    isThere: () =>
      stripVTControlCharacters(output).includes(wanted) || (!wasShown && screen.drawn.text.includes(wanted)),
  };
}

/** The next output; null when none arrives in that time. */
async function nextPiece(
  client: Client,
  place: Parameters<typeof readPiece>[1],
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<Piece | null> {
  const present = await readPiece(client, place, 0, signal);
  if (present.bytes.length > 0 || present.isOver || withinMs <= 0) return present;
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  signal?.addEventListener("abort", leave, { once: true });
  try {
    const coming = readPiece(client, place, Math.max(1, Math.ceil(withinMs / 1000)), leaving.signal);
    coming.catch(() => {});
    return await Promise.race([coming, sleep(withinMs, null, { signal: leaving.signal }).catch(() => null)]);
  } finally {
    leave();
    signal?.removeEventListener("abort", leave);
  }
}

/** The shell of a name that runs, or the last one that has ended. Throws NOT_FOUND. */
export async function findShell(client: Client, task_id: string, name: string): Promise<ShellView> {
  const { shells } = await client.call("task.shell.list", { task_id, all: true });
  const shell = shells.find((each) => each.name === name);
  if (shell) return shell;
  throw new PyroError("NOT_FOUND", `Task ${task_id} has no shell ${name}.`, {
    hint: `Open it with \`pyro task shell ${task_id} --name ${name}\`.`,
    details: { task_id, name },
  });
}
