// oxlint-disable no-control-regex -- a terminal is driven by control characters.
const SEQUENCE = /\x1b\[\?([0-9;]{1,64})([hl])/g;
/** The beginning of a sequence at the end of a piece. */
const PARTIAL = /\x1b(?:\[(?:\?[0-9;]{0,64})?)?$/;
/** Set in a terminal from the start: automatic wrap, and the cursor. */
const USUALLY_SET: ReadonlySet<string> = new Set(["7", "25"]);

/** The private modes that a program has changed in a terminal, such as the alternate screen, mouse reports and a hidden cursor. */
export class PrivateModes {
  readonly #changed = new Map<string, "h" | "l">();
  #partial = "";

  /** Takes in a piece of output. */
  add(bytes: Uint8Array): void {
    const text = this.#partial + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    for (const [, modes = "", state] of text.matchAll(SEQUENCE)) {
      for (const mode of modes.split(";")) this.#set(mode, state as "h" | "l");
    }
    this.#partial = PARTIAL.exec(text)?.[0] ?? "";
  }

  /** The output that undoes the changes; empty when there are none. */
  undo(): string {
    const sequences = [...this.#changed].map(([mode, state]) => `\x1b[?${mode}${state === "h" ? "l" : "h"}`);
    this.#changed.clear();
    return sequences.length === 0 ? "" : `${sequences.join("")}\x1b[m`;
  }

  #set(mode: string, state: "h" | "l"): void {
    const usual = USUALLY_SET.has(mode) ? "h" : "l";
    if (state === usual) this.#changed.delete(mode);
    // A guest may name any number; a terminal has some dozens.
    else if (this.#changed.size < 64) this.#changed.set(mode, state);
  }
}
