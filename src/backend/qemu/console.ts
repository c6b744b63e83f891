import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { CONSOLE_BYTES } from "./argv.js";
import type { Qmp } from "./qmp.js";

/** A QEMU that hangs answers nothing. */
const ANSWER_DEADLINE_MS = 2_000;
const SHOWN_LINES = 3;
const SHOWN_CHARACTERS = 300;

/** Adds the end of the console to the error of a VM that was not ready in time. */
export async function explainBoot(error: unknown, qmp: Qmp): Promise<PyroError> {
  const reason = PyroError.from(error);
  if (reason.code !== "VM_START_FAILED") return reason;
  const text = await readConsole(qmp);
  if (text === null) return reason;
  const { message, details } = reason;
  return new PyroError(reason.code, `${message} ${describeConsole(text)}`, { details, cause: reason });
}

/** Null when QEMU does not answer. */
async function readConsole(qmp: Qmp): Promise<string | null> {
  const asked = qmp.execute("ringbuf-read", { device: "console", size: CONSOLE_BYTES, format: "base64" });
  const answer = asked.then(
    (content) => Buffer.from(z.string().parse(content), "base64").toString("latin1"),
    () => null,
  );
  return Promise.race([answer, sleep(ANSWER_DEADLINE_MS, null, { ref: false })]);
}

/** The last lines of a console, as far as they are printable. */
export function describeConsole(text: string): string {
  const lines = text
    // oxlint-disable-next-line no-control-regex -- the firmware clears its screen
    .replace(/\x1b(?:\[[0-9;?=]*[A-Za-z]|[a-z])/g, "\n")
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[^\x20-\x7e]/g, "").trim())
    .filter((line) => line !== "");
  if (lines.length === 0) return "Its console is empty: the kernel has not started the agent.";
  return `Its console ends with: ${lines.slice(-SHOWN_LINES).join(" / ").slice(-SHOWN_CHARACTERS)}`;
}
