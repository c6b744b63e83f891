import { parentPort, workerData } from "node:worker_threads";

import type { TerminalSize } from "../../contract/terminal.js";
import { ScreenEmulator } from "./emulator.js";
import type { Drawn, ScreenRequest } from "./screen.js";

/** The thread of a screen: draws what it is sent, and answers with what is visible then. */
const screen = await ScreenEmulator.open(workerData as TerminalSize);
parentPort!.on("message", async ({ bytes, marks }: ScreenRequest) => {
  if (bytes.length > 0) await screen.write(bytes);
  if (marks) screen.mark();
  const { text, scrolled, cursor } = screen;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of threads.
  parentPort!.postMessage({ text, scrolled, cursor, repaint: screen.repaint() } satisfies Drawn);
});
