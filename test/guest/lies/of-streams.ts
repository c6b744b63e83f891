import { buildData, buildMail, buildWindow } from "../../../src/guest/frames.js";
import { LETTER_WORTH_BYTES } from "../../../src/guest/mailbox.js";
import { lie, type Lie } from "./lie.js";
import { MAILBOX_FILE_BYTES, TWO_WAY_HELLO, type LyingAgent } from "./lying-agent.js";

const [STDIN, STDOUT, STDERR, CONTENT] = [0, 1, 2, 3];
const GRANT_BYTES = 262_144;
const CONTENT_GRANT_BYTES = 4_194_304;

/** A lie about a job that has started. Its standard input is "input". */
function ofJob(
  title: string,
  tell: (agent: LyingAgent, job: number) => void | Promise<void>,
  end: Lie["end"] = "closed",
): Lie {
  const start = (agent: LyingAgent, job: number) => {
    agent.ok(job, { pid: 1 });
    return tell(agent, job);
  };
  return lie("start", title, start, end);
}

function data(offset: bigint, channel = STDOUT): Buffer {
  const payload = buildData({ channel: channel!, offset: 0, bytes: Buffer.from("x") });
  payload.writeBigUInt64LE(offset, 1);
  return payload;
}

export const liesOfJobs: readonly Lie[] = [
  lie("start", "output before the job has started", (agent, job) => agent.data(job, STDOUT!, 0, "x")),
  lie("start", "an exit before the job has started", (agent, job) => agent.exit(job, 0)),
  ofJob("a second report of its start", (agent, job) => agent.ok(job, { pid: 1 })),
  ofJob("data without bytes", (agent, job) => agent.data(job, STDOUT!, 0, "")),
  ofJob("5,000,000 bytes of data frames without bytes", (agent, job) =>
    agent.flood(agent.bytesOf("data", job, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0])), 5_000_000),
  ),
  ofJob("a data frame too short for an offset", (agent, job) => agent.frame("data", job, Buffer.alloc(8))),
  ofJob("output on the channel of standard input", (agent, job) => agent.data(job, STDIN!, 0, "x")),
  ofJob("output on the channel of content", (agent, job) => agent.data(job, CONTENT!, 0, "x")),
  ofJob("output on channel 255", (agent, job) => agent.data(job, 255, 0, "x")),
  ofJob("output with a gap", (agent, job) => agent.data(job, STDOUT!, 1, "x")),
  ofJob("the same output again", (agent, job) => {
    agent.data(job, STDOUT!, 0, "abc");
    agent.data(job, STDOUT!, 0, "abc");
  }),
  ofJob("output at 2^53", (agent, job) => agent.frame("data", job, data(2n ** 53n))),
  ofJob("output at 2^64 - 1", (agent, job) => agent.frame("data", job, data(2n ** 64n - 1n))),
  ofJob("8 MiB of output that goes beyond its window", (agent, job) => {
    for (let at = 0; at < 8 << 20; at += 32_768) agent.data(job, STDERR!, at, "x".repeat(32_768));
  }),
  ofJob("an end of output that has bytes", (agent, job) => agent.frame("eof", job, data(0n))),
  ofJob("an end of output that is too short", (agent, job) => agent.frame("eof", job, Buffer.alloc(0))),
  ofJob("an end of output beyond what was sent", (agent, job) => agent.eof(job, STDOUT!, 1)),
  ofJob("an end of output before what was sent", (agent, job) => {
    agent.data(job, STDOUT!, 0, "x");
    agent.eof(job, STDOUT!, 0);
  }),
  ofJob("an end of standard input", (agent, job) => agent.eof(job, STDIN!, 0)),
  ofJob("an end of output twice", (agent, job) => {
    agent.eof(job, STDOUT!, 0);
    agent.eof(job, STDOUT!, 0);
  }),
  ofJob("output after its end", (agent, job) => {
    agent.eof(job, STDOUT!, 0);
    agent.data(job, STDOUT!, 0, "x");
  }),
  ofJob("an exit twice", (agent, job) => {
    agent.exit(job, 5);
    agent.exit(job, 5);
  }),
  ofJob("an exit with less output than was sent", (agent, job) => {
    agent.data(job, STDOUT!, 0, "xx");
    agent.exit(job, 1);
  }),
  ofJob("output beyond the total in the exit", (agent, job) => {
    agent.exit(job, 1);
    agent.data(job, STDOUT!, 0, "xx");
  }),
  ofJob("an exit with a negative amount of output", (agent, job) => agent.exit(job, -1)),
  ofJob("an exit with 2^53 bytes of output", (agent, job) => agent.exit(job, 2 ** 53)),
  ofJob("exit status 256", (agent, job) => agent.exit(job, 0, { exit_code: 256 })),
  ofJob("exit status -1", (agent, job) => agent.exit(job, 0, { exit_code: -1 })),
  ofJob("an exit by neither status nor signal", (agent, job) => agent.exit(job, 0, {})),
  ofJob("an exit by a signal with a long name", (agent, job) => agent.exit(job, 0, { signal: "S".repeat(17) })),
  ofJob("a negative duration", (agent, job) => agent.exit(job, 0, { exit_code: 0, duration_ms: -1 })),
  ofJob("an exit with more output than is ever sent", (agent, job) => agent.exit(job, 1_000_000), "harmless"),
  ofJob("an exit by a signal whose name controls a terminal", (agent, job) =>
    agent.exit(job, 0, { signal: "\u001b[2J" }),
  ),
  ofJob("an exit by both status and signal", (agent, job) => agent.exit(job, 0, { exit_code: 0, signal: "KILL" })),
  ofJob("an exit by a signal that does not exist", (agent, job) => agent.exit(job, 0, { signal: "NONE" }), "harmless"),
  ofJob("a window for output", (agent, job) => agent.window(job, STDOUT!, 0, 1)),
  ofJob("an unlimited window", (agent, job) => agent.window(job, STDIN!, 0, Number.MAX_SAFE_INTEGER)),
  ofJob("a window of one byte more than the protocol's", (agent, job) => agent.window(job, STDIN!, 0, GRANT_BYTES + 1)),
  ofJob("a window that ends before it begins", (agent, job) => {
    const payload = buildWindow({ channel: STDIN!, acked: 0, limit: 0 });
    payload.writeBigUInt64LE(1n, 1);
    agent.frame("window", job, payload);
  }),
  ofJob("a window that has taken more than was sent", (agent, job) => agent.window(job, STDIN!, 6, GRANT_BYTES)),
  ofJob("a window that has taken less than before", (agent, job) => {
    agent.window(job, STDIN!, 0, 5);
    setTimeout(() => {
      agent.window(job, STDIN!, 5, 5);
      agent.window(job, STDIN!, 4, 5);
    }, 50);
  }),
  ofJob("a window that shrinks", (agent, job) => {
    agent.window(job, STDIN!, 0, GRANT_BYTES);
    agent.window(job, STDIN!, 0, 1);
  }),
  ofJob("a window of 16 bytes", (agent, job) => agent.frame("window", job, Buffer.alloc(16))),
  ofJob("a window of 18 bytes", (agent, job) => agent.frame("window", job, Buffer.alloc(18))),
  ofJob("a window beyond 2^53", (agent, job) => agent.frame("window", job, Buffer.alloc(17, 0xff).fill(0, 0, 1))),
  ofJob(
    "the same window 200,000 times",
    (agent, job) =>
      agent.flood(agent.bytesOf("window", job, buildWindow({ channel: STDIN!, acked: 0, limit: 1 })), 6_600_000),
    "harmless",
  ),
];

const MIB = 1_048_576;
const OUTBOX_AT = TWO_WAY_HELLO.mailbox_bytes;
const MAILED_WINDOW_BYTES = 2 * MIB;

/** A lie about a piece in the mailbox of a job that has started, or of a file that is read. */
function ofMail(title: string, tell: (agent: LyingAgent, job: number) => void, end: Lie["end"] = "closed"): Lie {
  return { ...ofJob(title, tell, end), greet: (agent) => agent.greet(TWO_WAY_HELLO) };
}

export const liesOfMail: readonly Lie[] = [
  ofJob("mail, by a guest that has no mailbox", (agent, job) =>
    agent.mail(job, STDOUT!, 0, OUTBOX_AT, LETTER_WORTH_BYTES),
  ),
  ofMail("mail in the host's part of the mailbox", (agent, job) => agent.mail(job, STDOUT!, 0, 0, LETTER_WORTH_BYTES)),
  ofMail("mail that begins in the host's part", (agent, job) =>
    agent.mail(job, STDOUT!, 0, OUTBOX_AT - 1, LETTER_WORTH_BYTES),
  ),
  ofMail("mail behind the mailbox", (agent, job) =>
    agent.mail(job, STDOUT!, 0, OUTBOX_AT + 2 * MIB - LETTER_WORTH_BYTES + 1, LETTER_WORTH_BYTES),
  ),
  ofMail("mail at 2^52", (agent, job) => agent.mail(job, STDOUT!, 0, 2 ** 52, LETTER_WORTH_BYTES)),
  ofMail("mail beyond 2^53", (agent, job) => agent.frame("mail", job, Buffer.alloc(21, 0xff).fill(1, 0, 1))),
  ofMail("mail without bytes", (agent, job) => agent.mail(job, STDOUT!, 0, OUTBOX_AT, 0)),
  ofMail("mail that is one byte shorter than the protocol's", (agent, job) =>
    agent.mail(job, STDOUT!, 0, OUTBOX_AT, LETTER_WORTH_BYTES - 1),
  ),
  ofMail("100,000 pieces of mail of one byte each, within the window", (agent, job) => {
    const letters = Array.from({ length: 100_000 }, (_, offset) =>
      buildMail({ channel: STDOUT!, offset, at: OUTBOX_AT, length: 1 }),
    );
    agent.raw(...letters.map((letter) => agent.bytesOf("mail", job, letter)));
  }),
  ofMail("mail that is too long", (agent, job) => agent.mail(job, STDOUT!, 0, OUTBOX_AT, MIB + 1)),
  ofMail("mail of 20 bytes", (agent, job) => agent.frame("mail", job, Buffer.alloc(20))),
  ofMail("mail of 22 bytes", (agent, job) => agent.frame("mail", job, Buffer.alloc(22))),
  ofMail("mail on the channel of standard input", (agent, job) =>
    agent.mail(job, STDIN!, 0, OUTBOX_AT, LETTER_WORTH_BYTES),
  ),
  ofMail("mail on the channel of content", (agent, job) => agent.mail(job, CONTENT!, 0, OUTBOX_AT, LETTER_WORTH_BYTES)),
  ofMail("mail with a gap", (agent, job) => agent.mail(job, STDOUT!, 1, OUTBOX_AT, LETTER_WORTH_BYTES)),
  ofMail("mail behind the end", (agent, job) => {
    agent.eof(job, STDOUT!, 0);
    agent.mail(job, STDOUT!, 0, OUTBOX_AT, LETTER_WORTH_BYTES);
  }),
  ofMail("mail beyond its window", (agent, job) => {
    for (let at = 0; at <= MAILED_WINDOW_BYTES; at += MIB) agent.mail(job, STDOUT!, at, OUTBOX_AT, MIB);
  }),
  ofMail("frames of data as far as the window of mail", (agent, job) => {
    for (let at = 0; at < MAILED_WINDOW_BYTES; at += 32_768) agent.data(job, STDERR!, at, "x".repeat(32_768));
  }),
  ofMail("a window for standard input beyond that of mail", (agent, job) => agent.window(job, STDIN!, 0, MIB + 1)),
  ofMail("less mail than the exit has said", (agent, job) => {
    agent.mail(job, STDOUT!, 0, OUTBOX_AT, LETTER_WORTH_BYTES);
    agent.exit(job, 5);
  }),
  ofMail("the same mail 100,000 times", (agent, job) => {
    const mail = buildMail({ channel: STDOUT!, offset: 0, at: OUTBOX_AT, length: LETTER_WORTH_BYTES });
    void agent.flood(agent.bytesOf("mail", job, mail), 3_700_000);
  }),
];

/** Mail that the file behind the mailbox does not hold ends the command, and nothing else. */
export const liesOfMissingMail: readonly Lie[] = [
  ofMail(
    "mail that was never written",
    (agent, job) => agent.mail(job, STDOUT!, 0, MAILBOX_FILE_BYTES, MIB),
    "harmless",
  ),
];

/** A lie about a stage that the host requested. */
function ofStage(title: string, tell: (agent: LyingAgent, stage: number) => void): Lie {
  return lie("stage", title, tell);
}

export const liesOfStages: readonly Lie[] = [
  ofStage("an answer before the end of content", (agent, stage) => {
    agent.window(stage, CONTENT!, 0, 1);
    agent.ok(stage, { entries: 0, bytes: 0 });
  }),
  ofStage("a negative number of entries", (agent, stage) => {
    agent.window(stage, CONTENT!, 0, CONTENT_GRANT_BYTES);
    setTimeout(() => agent.ok(stage, { entries: -1, bytes: 0 }), 50);
  }),
  ofStage("a window for output", (agent, stage) => agent.window(stage, STDOUT!, 0, 1)),
  ofStage("an unlimited window", (agent, stage) => agent.window(stage, CONTENT!, 0, Number.MAX_SAFE_INTEGER)),
  ofStage("a window that has taken more than was sent", (agent, stage) => agent.window(stage, CONTENT!, 1, 1)),
  ofStage("a window that shrinks", (agent, stage) => {
    agent.window(stage, CONTENT!, 0, 10);
    agent.window(stage, CONTENT!, 0, 9);
  }),
  ofStage("data", (agent, stage) => agent.data(stage, CONTENT!, 0, "x")),
  ofStage("an exit", (agent, stage) => agent.exit(stage, 0)),
];
