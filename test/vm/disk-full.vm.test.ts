import assert from "node:assert/strict";
import { appendFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { mountingTest } from "../client/mounting-test.js";
import { commandLineOf, processesOf, until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

const PIECE = Buffer.alloc(65_536);

/** Fills a disk. */
function fill(path: string): void {
  for (;;) {
    try {
      appendFileSync(path, PIECE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
      throw error;
    }
  }
}

mountingTest(import.meta.url, "with 10 MB left on the disk a run says so, and leaves nothing", async () => {
  await using scratch = new VmScratch({ ownTemplates: true, smallDisk: { directory: ".", size: "10m" } });
  const { status, stdout } = await scratch.pyro(["run", "debian:12", "--json", "--", "true"]);
  assert.equal(status, 125);
  const { error } = JSON.parse(stdout) as { error: { code: string; details: Record<string, number> } };
  assert.equal(error.code, "DISK_FULL");
  assert.ok(error.details["free_mib"]! <= 10);
  assert.deepEqual(readdirSync(`${scratch.home}/templates`), []);
  assert.deepEqual(scratch.leftovers(), []);
});

mountingTest(
  import.meta.url,
  "a disk that fills while a template is made is DISK_FULL, and nothing is left",
  async () => {
    await using scratch = new VmScratch({ ownTemplates: true, smallDisk: { directory: ".", size: "400m" } });
    const templates = join(scratch.home, "templates");
    const filler = join(scratch.home, "filler");
    const templatesLeft = () => (existsSync(templates) ? readdirSync(templates) : []);
    const unfinished = () => {
      const name = templatesLeft().find((each) => each.startsWith("tmp-"));
      return name === undefined ? [] : readdirSync(join(templates, name));
    };
    const moments: Record<string, () => boolean> = {
      "its kernel is copied": () => unfinished().includes("kernel"),
      "its disk is made": () => unfinished().includes("scratch"),
      "it boots": () => processesOf(scratch.home).some((pid) => commandLineOf(pid).includes("-kernel")),
    };
    let memMib = 256;
    for (const [moment, hasCome] of Object.entries(moments)) {
      // A template that was complete before the disk was full is not made again; the next size is.
      for (let code: string | undefined; code === undefined; memMib += code === undefined ? 64 : 0) {
        assert.ok(memMib < 768, `the disk was never full in time when ${moment}`);
        const before = templatesLeft();
        let isOver = false;
        const ended = scratch
          .pyro(["run", "debian:12", "--mem-mib", String(memMib), "--json", "--", "true"])
          .finally(() => (isOver = true));
        await until(moment, () => isOver || hasCome());
        fill(filler);
        const { error } = JSON.parse((await ended).stdout) as { error?: { code: string } | null };
        rmSync(filler);
        code = error?.code;
        if (code === undefined) continue;
        assert.equal(code, "DISK_FULL", `when ${moment}`);
        assert.deepEqual(templatesLeft(), before);
      }
    }
    const { status } = await scratch.pyro(["run", "debian:12", "--mem-mib", "256", "--", "true"]);
    assert.equal(status, 0);
  },
);
