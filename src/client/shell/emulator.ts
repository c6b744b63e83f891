import type { TerminalSize } from "../../contract/terminal.js";

/** Lines above the screen that are kept. */
const SCROLLBACK = 1_000;
// oxlint-disable-next-line no-control-regex -- a terminal is driven by control characters.
const CURSOR_MODE = /\x1b\[\?25([hl])/g;

type Emulator = import("@xterm/headless").Terminal;

/** A terminal in memory: takes in output, and shows what a person would see. */
export class ScreenEmulator {
  readonly #emulator: Emulator;
  readonly #serialize: () => string;
  #isCursorHidden = false;
  /** The first line that is new since `mark`. */
  #mark: { readonly line: number; dispose(): void } | undefined;

  private constructor(emulator: Emulator, serialize: () => string) {
    this.#emulator = emulator;
    this.#serialize = serialize;
  }

  static async open({ rows, cols }: TerminalSize): Promise<ScreenEmulator> {
    const [headless, serialize] = await Promise.all([import("@xterm/headless"), import("@xterm/addon-serialize")]);
    const emulator = new headless.default.Terminal({ rows, cols, scrollback: SCROLLBACK, allowProposedApi: true });
    const addon = new serialize.default.SerializeAddon();
    emulator.loadAddon(addon as never);
    return new ScreenEmulator(emulator, () => addon.serialize({ scrollback: 0 }));
  }

  /** Resolves when the output is drawn. */
  write(bytes: Uint8Array): Promise<void> {
    const modes = [...Buffer.from(bytes).toString("latin1").matchAll(CURSOR_MODE)];
    this.#isCursorHidden = (modes.at(-1)?.[1] ?? (this.#isCursorHidden ? "l" : "h")) === "l";
    return new Promise((resolve) => this.#emulator.write(bytes, resolve));
  }

  /** Lines that leave the screen from now on count as scrolled. */
  mark(): void {
    this.#mark?.dispose();
    const { baseY, cursorY } = this.#emulator.buffer.normal;
    // A marker's place is relative to the cursor.
    this.#mark = this.#emulator.registerMarker(baseY - (baseY + cursorY));
  }

  /** The visible lines. The cursor's line reaches at least to the cursor. */
  get text(): string {
    const { active } = this.#emulator.buffer;
    const lines = this.#lines(active.baseY, active.baseY + this.#emulator.rows).split("\n");
    lines[active.cursorY] = lines[active.cursorY]?.padEnd(active.cursorX) ?? "";
    return lines.join("\n").replace(/\n+$/, "");
  }

  /** The lines that have left the screen since the mark. */
  get scrolled(): string {
    const { normal } = this.#emulator.buffer;
    const from = this.#mark === undefined ? normal.baseY : Math.max(0, this.#mark.line);
    return this.#lines(from, normal.baseY, normal);
  }

  get cursor(): { readonly row: number; readonly col: number } {
    const { cursorX, cursorY } = this.#emulator.buffer.active;
    return { row: cursorY + 1, col: cursorX + 1 };
  }

  /** The output that draws the same screen on an empty terminal. */
  repaint(): string {
    return `\x1b[H\x1b[2J${this.#serialize()}${this.#isCursorHidden ? "\x1b[?25l" : ""}`;
  }

  #lines(from: number, to: number, buffer = this.#emulator.buffer.active): string {
    const lines = Array.from({ length: Math.max(0, to - from) }, (_, at) =>
      (buffer.getLine(from + at)?.translateToString(true) ?? "").trimEnd(),
    );
    return lines.join("\n");
  }
}
