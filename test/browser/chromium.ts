import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { until } from "../client/scratch.js";

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A headless Chromium with one page, driven over a pipe by its DevTools protocol. */
export class Chromium implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #profile = mkdtempSync(join(tmpdir(), "pyro-chromium-"));
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #asked = 0;
  #session: string | undefined;

  private constructor() {
    // Root has no sandbox there; the page is this test's own.
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const flags = ["--remote-debugging-pipe", `--user-data-dir=${this.#profile}`, "--window-size=800,600"];
    const quiet = ["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"];
    this.#child = spawn("chromium-headless-shell", [...flags, ...quiet, ...sandbox, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    this.#child.on("error", (error) => this.#fail(error));
    this.#child.on("exit", () => this.#fail(new Error("Chromium has ended")));
    this.#input.on("error", () => {});
    let held = "";
    (this.#child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const messages = (held + text).split("\0");
      held = messages.pop()!;
      for (const message of messages) this.#take(JSON.parse(message) as Answer);
    });
  }

  static async open(): Promise<Chromium> {
    const chromium = new Chromium();
    const { targetInfos } = await chromium.#ask<{ targetInfos: { targetId: string; type: string }[] }>(
      "Target.getTargets",
    );
    const { targetId } = targetInfos.find(({ type }) => type === "page")!;
    const attached = await chromium.#ask<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    chromium.#session = attached.sessionId;
    return chromium;
  }

  async goTo(url: string): Promise<void> {
    const { errorText } = await this.#ask<{ errorText?: string }>("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
  }

  /** The value of an expression in the page; a promise is awaited. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#ask<{ result: { value: Value }; exceptionDetails?: unknown }>(
      "Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true },
    );
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** Waits until an element of the page shows a text. */
  async shows(id: string, text: RegExp): Promise<void> {
    let shown: string | undefined;
    // A page that is just loaded again has no element yet, or no context for the expression.
    const look = () => this.evaluate<string>(`document.getElementById("${id}")?.textContent`).catch(() => undefined);
    await until(`#${id} shows ${text}`, async () => text.test((shown = (await look()) ?? ""))).catch(
      (error: unknown) => {
        throw new Error(`#${id} shows ${shown}`, { cause: error });
      },
    );
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.#ask<{ data: string }>("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }

  /** The colour of a pixel of a picture: red, green, blue. */
  pixelOf(png: Buffer, x: number, y: number): Promise<number[]> {
    return this.evaluate(`(async () => {
      const picture = new Image();
      picture.src = "data:image/png;base64,${png.toString("base64")}";
      await picture.decode();
      const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
      canvas.drawImage(picture, 0, 0);
      return [...canvas.getImageData(${x}, ${y}, 1, 1).data].slice(0, 3);
    })()`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    if (this.#child.exitCode === null) {
      this.#ask("Browser.close").catch(() => {});
      const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  get #input(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  #ask<Result>(method: string, params: object = {}): Promise<Result> {
    const id = (this.#asked += 1);
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#input.write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    });
  }

  #take({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id ?? 0);
    this.#waiting.delete(id ?? 0);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
