import { buildData, buildMail } from "../../../src/guest/frames.js";
import { LETTER_WORTH_BYTES } from "../../../src/guest/mailbox.js";
import { LyingAgent, TWO_WAY_HELLO } from "./lying-agent.js";

/** One output stream of one job: what was sent, and how far its window reaches. */
interface Output {
  readonly job: number;
  readonly channel: number;
  sent: number;
  limit: number;
}

const [STDOUT, STDERR] = [1, 2];
const BATCH_BYTES = 65_536;

/** Ways to send as many frames as the protocol allows. */
const floods = {
  /** Bytes one by one, each on another stream than the one before. */
  bytes: (agent: LyingAgent, { job, channel, sent }: Output) => ({
    frame: agent.bytesOf("data", job, buildData({ channel, offset: sent, bytes: Buffer.from("x") })),
    length: 1,
  }),
  /** The smallest pieces of mail. */
  mail: (agent: LyingAgent, { job, channel, sent }: Output) => ({
    frame: agent.bytesOf(
      "mail",
      job,
      buildMail({ channel, offset: sent, at: TWO_WAY_HELLO.mailbox_bytes, length: LETTER_WORTH_BYTES }),
    ),
    length: LETTER_WORTH_BYTES,
  }),
};

/** Sends frames of the running jobs, in turn, as the windows allow. */
class Flood {
  readonly #outputs: Output[] = [];
  readonly #build: (typeof floods)[keyof typeof floods];
  #isRunning = false;

  constructor(build: (typeof floods)[keyof typeof floods]) {
    this.#build = build;
  }

  start(agent: LyingAgent, job: number): void {
    for (const channel of [STDOUT!, STDERR!]) this.#outputs.push({ job, channel, sent: 0, limit: 0 });
    void this.#run(agent);
  }

  open(agent: LyingAgent, job: number, channel: number, limit: number): void {
    const output = this.#outputs.find((each) => each.job === job && each.channel === channel);
    if (output) output.limit = Math.max(output.limit, limit);
    void this.#run(agent);
  }

  /** Forgets the jobs of a host that has closed. */
  clear(): void {
    this.#outputs.length = 0;
  }

  async #run(agent: LyingAgent): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let batch = this.#batch(agent); batch.length > 0; batch = this.#batch(agent)) {
      agent.raw(...batch);
      if (!(await agent.drained())) this.clear();
      await new Promise(setImmediate);
    }
    this.#isRunning = false;
  }

  #batch(agent: LyingAgent): Buffer[] {
    const batch: Buffer[] = [];
    for (let bytes = 0, before = -1; bytes < BATCH_BYTES && batch.length > before;) {
      before = batch.length;
      for (const output of this.#outputs) {
        const { frame, length } = this.#build(agent, output);
        if (output.sent + length > output.limit) continue;
        output.sent += length;
        bytes += frame.length;
        batch.push(frame);
      }
    }
    return batch;
  }
}

/**
 * A guest that floods its host, in a process of its own, as its argument says: with frames without bytes on the host's first request, or
 * with what the protocol allows for each job. Prints where it listens.
 */
const kind = process.argv[2] as keyof typeof floods | undefined;
const flood = kind && new Flood(floods[kind]);
const agent: LyingAgent = await LyingAgent.listen(
  flood
    ? {
        greet: (liar) => {
          flood.clear();
          liar.greet(TWO_WAY_HELLO);
        },
        onStart: (liar, job) => flood.start(liar, job),
        onWindow: (job, { channel, limit }) => flood.open(agent, job, channel, limit),
      }
    : { tell: (liar) => liar.flood(liar.bytesOf("window", 1, Buffer.alloc(0)), Infinity) },
);
process.once("SIGTERM", () => void agent[Symbol.asyncDispose]());
console.log(agent.socketPath);
