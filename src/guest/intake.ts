import type { Socket } from "../host/socket.js";
import { BYTES_PER_COST, costs } from "./costs.js";
import { countMailed, type Frame, type FrameParser } from "./frames.js";
import { frameType } from "./messages.js";
import { Turns } from "./turns.js";

/** Frames of one guest that are handled before others get a turn of the event loop. */
const FRAMES_PER_TURN = 16;
/** A silent guest's gain of allowance, in microseconds of the daemon's time for each millisecond: a tenth of a CPU. */
const EARNED_PER_MS = 100;
/** Maximum saved allowance. */
const MOST_SAVED = 10_000;
/** A guest with less allowance than this has sent much lately, and waits for its turn among all such guests. */
const QUIET = 8_000;

/** The queue of all guests of this process that send much. */
const turns = new Turns();

/**
 * Reads a guest's frames at a bounded rate: excess bytes wait in the socket, and then in the guest. An honest agent that must wait puts
 * more into each frame, so only a flood of small frames is slowed down.
 */
export class Intake {
  readonly #socket: Socket;
  readonly #parser: FrameParser;
  readonly #onFrame: (frame: Frame) => void;
  readonly #onBroken: (error: unknown) => void;
  #saved = MOST_SAVED;
  /** When this began to wait for bytes. */
  #idleSince = performance.now();
  #isClosed = false;

  constructor(
    socket: Socket,
    parser: FrameParser,
    onFrame: (frame: Frame) => void,
    onBroken: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#parser = parser;
    this.#onFrame = onFrame;
    this.#onBroken = onBroken;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Counts work that frames have caused. */
  spend(cost: number): void {
    this.#saved = Math.max(0, this.#saved - cost);
    if (!this.#isQuiet) turns.spend(cost);
  }

  #take(chunk: Buffer): void {
    this.#socket.pause();
    this.#saved = Math.min(MOST_SAVED, this.#saved + (performance.now() - this.#idleSince) * EARNED_PER_MS);
    this.spend(costs.chunk + chunk.length / BYTES_PER_COST);
    this.#parser.push(chunk);
    if (this.#isQuiet) this.#handle();
    else turns.queue(() => this.#handle());
  }

  /** Handles received frames in several turns, and reads more only when all of them were handled. */
  #handle(): void {
    if (this.#isClosed) return;
    let isDone = false;
    try {
      for (let count = 0; !isDone && count < FRAMES_PER_TURN && !this.#isClosed; count += 1) {
        const frame = this.#parser.next();
        if (frame === null) isDone = true;
        else {
          this.spend(costOf(frame));
          this.#onFrame(frame);
        }
      }
    } catch (error) {
      this.#onBroken(error);
      return;
    }
    this.#inTurn(() => (isDone ? this.#readOn() : this.#handle()));
  }

  #readOn(): void {
    if (this.#isClosed) return;
    this.#idleSince = performance.now();
    this.#socket.resume();
  }

  get #isQuiet(): boolean {
    return this.#saved > QUIET;
  }

  #inTurn(next: () => void): void {
    if (this.#isQuiet) setImmediate(next);
    else turns.queue(next);
  }
}

function costOf(frame: Frame): number {
  if (frame.type === frameType.window) return costs.window;
  if (frame.type === frameType.mail) return costs.mail + countMailed(frame) / BYTES_PER_COST;
  return costs.frame;
}
