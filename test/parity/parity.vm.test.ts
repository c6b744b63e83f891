import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";

import { VmScratch } from "../vm/vm-scratch.js";
import { cases } from "./cases.js";
import { compare, type Compared } from "./compare.js";
import { doors } from "./doors.js";

describe("on a host without QEMU, in the sandbox that is allowed instead", () => {
  const tools = mkdtempSync(join(tmpdir(), "pt-tools-"));
  after(() => rmSync(tools, { recursive: true }));
  compare(
    async () => {
      for (const directory of ["/usr/bin", "/usr/sbin"]) {
        for (const name of readdirSync(directory)) {
          if (!name.startsWith("qemu")) symlinkIfNew(join(directory, name), join(tools, name));
        }
      }
      symlinkIfNew(process.execPath, join(tools, "node"));
      // Templates of its own: other tests change the shared ones meanwhile.
      const scratch = new VmScratch({ env: { PATH: tools }, ownTemplates: true });
      mkdirSync(join(scratch.home, "templates", "0".repeat(32)), { mode: 0o700, recursive: true });
      return comparedOn(scratch);
    },
    cases.filter(({ on }) => on !== "vm"),
  );
});

describe("on real VMs", () => {
  compare(
    async () => comparedOn(new VmScratch()),
    cases.filter(({ on }) => on !== undefined),
  );
});

/** Every door, used in one home. */
function comparedOn(scratch: VmScratch): Compared {
  const place = { home: scratch.home, env: { ...process.env, ...scratch.env } };
  return {
    standIn: place,
    doors: doors.map((open) => ({ open, place })),
    start: () => scratch.pyro(["daemon", "start"]),
    close: () => scratch[Symbol.asyncDispose](),
  };
}

function symlinkIfNew(from: string, to: string): void {
  try {
    symlinkSync(from, to);
  } catch {
    // The directory linked before this one has a file of the same name.
  }
}
