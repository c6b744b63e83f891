import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../../src/contract/errors.js";
import type { Channel } from "../../../src/guest/channel.js";
import { Exec } from "../../../src/guest/exec.js";
import { runForExit } from "../../../src/guest/run-for-exit.js";
import { fetchEntries } from "../../../src/guest/fetch.js";
import { readFile, writeFile } from "../../../src/guest/files.js";
import { list } from "../../../src/guest/listing.js";
import { readManifest } from "../../../src/guest/manifest.js";
import { isCommitted, Stage } from "../../../src/guest/stage.js";
import { stat } from "../../../src/guest/stat.js";
import { AgentProcess } from "../agent-process.js";
import type { Act, Lie } from "./lie.js";
import { LyingAgent } from "./lying-agent.js";
import { liesOfAnswers, liesOfSessions } from "./of-sessions.js";
import { liesOfFiles } from "./of-files.js";
import { liesOfJobs, liesOfMail, liesOfMissingMail, liesOfStages } from "./of-streams.js";

const LIES: readonly Lie[] = [
  ...liesOfSessions,
  ...liesOfAnswers,
  ...liesOfJobs,
  ...liesOfMail,
  ...liesOfMissingMail,
  ...liesOfStages,
  ...liesOfFiles,
];

/** How long a lie may take to be found out, on a machine that is busy. */
const DEADLINE_MS = 60_000;
/** How long to wait for a session that never starts, and for an answer that never comes. */
const OPEN_MS = 300;
const SILENT_MS = 100;
const MOST_ENTRIES = 20_000;
/** How much memory the daemon may gain, whatever one guest sends. */
const MOST_GROWTH_BYTES = 48 << 20;

const acts: Record<Act, (channel: Channel) => Promise<unknown>> = {
  open: async () => {},
  stat: (channel) => stat(channel, "/workspace"),
  committed: (channel) => isCommitted(channel, "ab"),
  follow: (channel) =>
    Exec.resume(channel, 1, { stdout: 10, stderr: 0 }, { onOutput: async () => {} }).then((exec) => exec.finished),
  start: async (channel) => {
    const stdin = (async function* () {
      yield Buffer.from("input");
    })();
    // The reader of the output is slower than any guest.
    const exec = await Exec.start(channel, { command: "cat", cwd: "/", env: {}, stdin, onOutput: () => sleep(20) });
    return exec.finished;
  },
  stage: async (channel) => {
    await using stage = await Stage.open(channel, { path: "/workspace", id: "ab" });
    return await stage.finish();
  },
  manifest: (channel) => readManifest(channel, "/workspace", MOST_ENTRIES),
  list: async (channel) => {
    for await (const _ of list(channel, "/workspace"));
  },
  read: async (channel) => {
    for await (const _ of readFile(channel, "/f").content()) await sleep(20);
  },
  write: (channel) => writeFile(channel, "/f", [Buffer.from("input")]),
  fetch: (channel) => fetchEntries(channel, "/", ["a", "b"], async () => {}),
};

async function within<T>(work: Promise<T>): Promise<T> {
  const deadline = new AbortController();
  const late = sleep(DEADLINE_MS, undefined, { signal: deadline.signal }).then(() => {
    throw new Error("the lie was not found out in time");
  });
  late.catch(() => {});
  return Promise.race([work, late]).finally(() => deadline.abort());
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function tellLie({ act, end, ...script }: Lie): Promise<void> {
  await using agent = await LyingAgent.listen(script);
  const opening = agent.connect(end === "not started" ? OPEN_MS : DEADLINE_MS);
  if (end === "not started") return await assert.rejects(opening, { code: "VM_START_FAILED" });
  const channel = await opening.catch((error: unknown) => PyroError.from(error));
  if (channel instanceof PyroError) {
    assert.deepEqual([channel.code, act, end], ["AGENT_PROTOCOL", "open", "closed"], channel.stack);
    return;
  }
  try {
    if (act === "open" && end === "closed") return assert.equal((await channel.closed).code, "AGENT_PROTOCOL");
    await channel.request("ping");
    const acting = acts[act](channel);
    acting.catch(() => {});
    if (end === "closed") {
      assert.equal((await channel.closed).code, "AGENT_PROTOCOL");
      await assert.rejects(acting, { code: "AGENT_PROTOCOL" });
    } else if (end === "harmless") {
      await channel.request("ping");
    } else {
      await assert.rejects(channel.request("sync", {}, { timeoutMs: SILENT_MS }), { code: "VM_DIED" });
    }
  } finally {
    channel.close();
  }
}

test("a guest that lies in any message: its channel closes or the lie has no effect, and other machines answer", async (t) => {
  assert.ok(LIES.length >= 100, `${LIES.length} lies`);
  await using honest = new AgentProcess();
  const other = await honest.connect();
  for (const each of LIES) {
    await t.test(`${each.act}: ${each.title} (${each.end})`, async () => {
      const before = heldBytes();
      await within(tellLie(each));
      const grown = heldBytes() - before;
      assert.ok(grown < MOST_GROWTH_BYTES, `${grown} bytes more are held`);
      assert.equal(await runForExit(other, "true"), 0);
    });
  }
  other.close();
});
