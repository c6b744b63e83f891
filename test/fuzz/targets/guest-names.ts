import assert from "node:assert/strict";

import { describeConsole } from "../../../src/backend/qemu/console.js";
import { decodeName, encodeName, isUtf8Name } from "../../../src/guest/names.js";
import type { FuzzTarget } from "../target.js";

/** Names of files in a guest: their bytes are restored exactly. */
export const guestNames: FuzzTarget = {
  name: "guest-names",
  seeds: ["a", "é", "\u{1f600}", "a/b\n", "\udc80"]
    .map((text) => Buffer.from(text))
    .concat(Buffer.from("80ff41c3e29fed0808f0", "hex"), Buffer.from("eda080edb080", "hex")),
  maxBytes: 400,
  run: (input) => {
    const text = decodeName(input);
    assert.ok(encodeName(text).equals(input), "another name");
    return `${isUtf8Name(text)} ${text.length === input.length}`;
  },
};

/** The console of a VM: what is shown of it has no character that controls a terminal. */
export const guestConsole: FuzzTarget = {
  name: "guest-console",
  seeds: ["[    0.1] Kernel panic - not syncing\r\n", "\u001b[2J\u001b[1;1Hbios\n\n", "", "x".repeat(900)].map((text) =>
    Buffer.from(text),
  ),
  words: ["\u001b[", "\u001bc", "\r\n", "\u0000", "\u009b"],
  run: (input) => {
    const shown = describeConsole(input.toString("latin1"));
    assert.match(shown, /^[\x20-\x7e]*$/);
    return String(shown.length > 300);
  },
};
