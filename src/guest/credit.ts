import { PyroError } from "../contract/errors.js";
import type { Window } from "./frames.js";

/** The room that an agent grants for what it is sent on one channel. Checks each window against the one before and the protocol's limit. */
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

  /** True once the agent has granted something, if only to be told of the end. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Says what the agent holds from an earlier session. Throws AGENT_PROTOCOL when its windows begin elsewhere. */
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
  return new PyroError("AGENT_PROTOCOL", "The guest sent a window that moves backwards or beyond the protocol's limit.");
}
