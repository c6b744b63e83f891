import type { TerminalSize } from "../../contract/terminal.js";
import type { EndSignal } from "../../contract/wire.js";
import type { Call } from "../call.js";

interface Obedient {
  kill(): void;
  interrupt(signal: EndSignal): void;
  resize(size: TerminalSize): unknown;
}

/**
 * Passes the cancels and resizes of a caller on to a command, until it is disposed. A caller who cancels kills the command; one who
 * disconnects does not.
 */
export function heed(call: Call, command: Obedient): Disposable {
  const onAbort = () => {
    if (call.isCancelled()) command.kill();
  };
  const forgetSize = call.onResize((size) => void command.resize(size));
  const forgetInterrupt = call.onInterrupt((signal) => command.interrupt(signal));
  if (call.signal.aborted) onAbort();
  call.signal.addEventListener("abort", onAbort);
  return {
    [Symbol.dispose]() {
      forgetSize();
      forgetInterrupt();
      call.signal.removeEventListener("abort", onAbort);
    },
  };
}
