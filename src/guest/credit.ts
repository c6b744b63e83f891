import { PyroError } from "../contract/errors.js";
import type { Window } from "./frames.js";

/** The window that an agent grants on one channel. Checks each window against the previous one and the protocol's limit. */
export class Credit {
  readonly #grantBytes: number;
  #acked = 0;
  #limit = 0;
  #isOpen = false;

  constructor(grantBytes: number) {
    this.#grantBytes = grantBytes;
  }

  get acked(): number {
    return this.#acked;
  }

  get limit(): number {
    return this.#limit;
  }

  /** True once the agent has sent a window; the end may then be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Sets the offset up to which the agent has the bytes already, from an earlier session. Throws AGENT_PROTOCOL when it has sent a window
   * with another offset.
   */
  begin(acked: number): void {
    if (this.#isOpen && this.#acked !== acked) throw brokenWindow();
    this.#acked = acked;
    this.#limit = Math.max(this.#limit, acked);
  }

  /** Takes a window in, when `sent` bytes have been sent. Throws AGENT_PROTOCOL. */
  open({ acked, limit }: Window, sent: number): void {
    if (acked < this.#acked || limit < this.#limit || acked > sent || limit > acked + this.#grantBytes) {
      throw brokenWindow();
    }
    this.#acked = acked;
    this.#limit = limit;
    this.#isOpen = true;
  }
}

function brokenWindow(): PyroError {
  return new PyroError(
    "AGENT_PROTOCOL",
    "The guest sent a window that moves backwards or beyond the protocol's limit.",
  );
}
