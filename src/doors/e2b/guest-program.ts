import { fileURLToPath } from "node:url";

import { readFile } from "../../host/files.js";
import { LineProgram, numberIn, type GuestLine, type ProgramOwner } from "./line-program.js";
import type { Pyro } from "./pyro.js";

const SOURCE = fileURLToPath(new URL("../../../../e2b/build/pyro-e2b-guest", import.meta.url));

/** The gateway's program for files and watches in one sandbox. */
export class GuestProgram extends LineProgram {
  /** Where its file is. */
  readonly path: string;
  readonly #watches = new Map<number, (event: GuestLine | null) => void>();

  /** `folder`: where its file is put. */
  constructor(pyro: Pyro, sandbox: ProgramOwner, folder: string) {
    const target = `${folder}/guest`;
    const files = [{ target, mode: "0755", read: () => readFile(SOURCE) }];
    super(pyro, sandbox, { files, command: [target], user: "root" });
    this.path = target;
  }

  /** Begins a watch. `onEvent` gets its events, and null when the program has ended. Returns a function that ends the watch. */
  async watch(
    fields: Readonly<Record<string, unknown>>,
    onEvent: (event: GuestLine | null) => void,
  ): Promise<() => Promise<void>> {
    const [line] = await this.ask("watch", fields);
    const number = numberIn(line?.["number"]);
    this.#watches.set(number, onEvent);
    return async () => {
      if (!this.#watches.delete(number) || !this.isStarted) return;
      await this.ask("unwatch", { number }).catch(() => {});
    };
  }

  protected override onOther(line: GuestLine): void {
    this.#watches.get(numberIn(line["watch"]))?.(line);
  }

  protected override onEnd(): void {
    for (const onEvent of this.#watches.values()) onEvent(null);
    this.#watches.clear();
  }
}
