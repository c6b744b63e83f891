import { describe } from "node:test";

import { cases } from "../parity/cases.js";
import { openCli } from "../parity/cli.js";
import { compare } from "../parity/compare.js";
import { openMcp } from "../parity/mcp.js";
import { openPython } from "../parity/python.js";
import { openTypeScript } from "../parity/typescript.js";
import { Box } from "./box.js";

/** Calls about files of the daemon's machine, which a client on another machine is refused. */
const ofFarFiles = /^(rootfs|oci|docker-archive):/;

describe("every door over ssh, equal to a local one", () => {
  compare(
    async () => {
      const box = await Box.open();
      Object.assign(process.env, { PYRO_SSH: box.sshd.client });
      const far = { home: box.far.home, env: { ...process.env, ...box.far.env } };
      const over = [openTypeScript, openPython, openCli, openMcp].map((open) => ({ open, place: box.place }));
      return {
        standIn: far,
        doors: [{ open: openTypeScript, place: far }, ...over],
        start: () => box.far.pyro(["daemon", "start"]),
        close: () => box[Symbol.asyncDispose](),
      };
    },
    cases.filter(({ on, input }) => on !== undefined && !ofFarFiles.test(String(input["environment"]))),
  );
});
