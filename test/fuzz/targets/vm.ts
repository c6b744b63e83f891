import assert from "node:assert/strict";
import { Duplex } from "node:stream";

import { parseReport } from "../../../src/backend/qemu/gate.js";
import { Qmp } from "../../../src/backend/qemu/qmp.js";
import type { Socket } from "../../../src/host/socket.js";
import { describeRefusal, piecesOf, withoutValues, type FuzzTarget } from "../target.js";

/** What a QEMU that its guest has taken over sends. */
class Monitor extends Duplex {
  constructor() {
    super({ allowHalfOpen: false });
  }

  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

const lines = (...all: readonly object[]) => Buffer.from(all.map((line) => `${JSON.stringify(line)}\n`).join(""));

/** The monitor of QEMU: each question is answered, refused, or fails with a coded error. */
export const qmp: FuzzTarget = {
  name: "qmp",
  seeds: [
    lines({ QMP: { version: {}, capabilities: [] } }, { return: {} }, { return: { status: "running" } }),
    lines({ return: {} }, { error: { class: "GenericError", desc: "no" } }),
    lines({ QMP: {} }, { event: "STOP", timestamp: {} }, { return: [] }, { return: "x" }),
    Buffer.from("\r\n \n{}\n"),
  ],
  words: ['"return":', '"error":', '"event":', '"class":', '"desc":', "{}", "[]", "null", "\n"],
  run: async (input) => {
    const socket = new Monitor();
    const open = Qmp as unknown as new (socket: Socket) => Qmp;
    const monitor = new open(socket as unknown as Socket);
    const events: string[] = [];
    monitor.onEvent = (name) => {
      assert.equal(typeof name, "string");
      events.push(name);
    };
    const asked = [monitor.answers, monitor.execute("query-status")];
    for (const piece of piecesOf(input)) socket.push(piece);
    socket.push(null);
    const answers = await Promise.allSettled(asked);
    socket.destroy();
    const told = answers.map((answer) =>
      answer.status === "fulfilled"
        ? typeof answer.value
        : describeRefusal(answer.reason, ["VM_DIED", "VM_START_FAILED"]),
    );
    return withoutValues(`${told.join(", ")} ${events.length > 0}`);
  },
};

const REPORT = {
  ...{ sent_bytes: 1, received_bytes: 2, tcp_connections: 3, udp_flows: 4, refused: 1 },
  last_refused: [{ at_s: 1, times: 1, protocol: "tcp", address: "10.0.0.1", port: 80, reason: "name", name: "x.org" }],
};

/** The report of a gate, which its guest may have taken over. */
export const gateReport: FuzzTarget = {
  name: "gate-report",
  seeds: [Buffer.from(JSON.stringify(REPORT)), Buffer.from(JSON.stringify({ ...REPORT, last_refused: [] }))],
  words: ['"at_s":', "1e300", "-1", "null", '"name":'],
  maxBytes: 2_000,
  run: (input) => {
    const report = parseReport(input.toString("utf8"));
    if (report === null) return "none";
    // A caller gets it as JSON.
    return `report ${JSON.stringify(report).length > 0} ${report.lastRefused.length}`;
  },
};
