import type { Socket } from "../host/socket.js";
import type { Frame, FrameParser } from "./frames.js";

/** Frames of one guest that are handled before others get their turn of the event loop. */
const FRAMES_PER_TURN = 64;
/** What reading one guest may cost, in microseconds of the daemon's time for each millisecond: a tenth of a CPU. */
const ALLOWANCE_PER_MS = 100;
/** What is saved up while the guest is quiet. */
const MOST_ALLOWANCE = 10_000;
/** What things cost, in the same unit and roughly: to read a chunk, to handle a frame, to look at bytes. */
const CHUNK_COST = 8;
const FRAME_COST = 1;
const BYTES_PER_COST = 4_096;

/**
 * Reads a guest's frames at a bounded rate: what a guest sends beyond that waits in the socket, and then in the guest. An honest agent
 * that must wait puts more into each frame, so that only a flood of small frames is slowed down.
 */
export class Intake {
  readonly #socket: Socket;
  readonly #parser: FrameParser;
  readonly #onFrame: (frame: Frame) => void;
  readonly #onBroken: (error: unknown) => void;
  #allowance = MOST_ALLOWANCE;
  #countedAt = performance.now();
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

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
    clearTimeout(this.#timer);
  }

  #take(chunk: Buffer): void {
    this.#socket.pause();
    this.#spend(CHUNK_COST + chunk.length / BYTES_PER_COST);
    this.#parser.push(chunk);
    this.#handle();
  }

  /** Handles what has come, some of it in each turn, and reads on only when all of it was handled. */
  #handle(): void {
    if (this.#isClosed) return;
    let isDone = false;
    try {
      for (let count = 0; !isDone && count < FRAMES_PER_TURN && !this.#isClosed; count += 1) {
        const frame = this.#parser.next();
        if (frame === null) isDone = true;
        else {
          this.#spend(FRAME_COST);
          this.#onFrame(frame);
        }
      }
    } catch (error) {
      this.#onBroken(error);
      return;
    }
    this.#inTurn(() => (isDone ? this.#socket.resume() : this.#handle()));
  }

  #inTurn(next: () => void): void {
    const waitMs = Math.ceil(-this.#allowance / ALLOWANCE_PER_MS);
    if (waitMs > 0) this.#timer = setTimeout(next, waitMs);
    else setImmediate(next);
  }

  #spend(cost: number): void {
    const now = performance.now();
    const earned = (now - this.#countedAt) * ALLOWANCE_PER_MS;
    this.#allowance = Math.min(MOST_ALLOWANCE, this.#allowance + earned) - cost;
    this.#countedAt = now;
  }
}
