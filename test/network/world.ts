import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { until } from "../client/scratch.js";

const peerPath = fileURLToPath(new URL("peer-process.js", import.meta.url));
const resolverPath = fileURLToPath(new URL("resolver-process.js", import.meta.url));

/** A server of the test, and its visitors. */
export class Peer {
  readonly heard: string[] = [];
  readonly child: ChildProcess;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.heard.push(...text.split("\n").filter((line) => line !== ""));
    });
  }

  /** Its visitors since the last call. */
  take(): string[] {
    return this.heard.splice(0);
  }
}

/**
 * A network namespace that stands for the rest of the world, joined to this host by one wire. No packet of a test leaves this machine:
 * other addresses are loopback. Needs root.
 */
export class World implements AsyncDisposable {
  /** 0 to 63. One world at a time: the addresses of clouds are routed to one wire. */
  readonly #number = process.pid % 64;
  readonly #name = `pyro-world-${process.pid}`;
  readonly #peers: Peer[] = [];

  /** Addresses of the world that a VM may reach. They look public, and this host uses no others on this wire. */
  readonly open4 = `11.203.${this.#number}.2`;
  readonly open6 = `2a10:cb00:${this.#number + 1}::3`;
  /** A second address, on the same wire. */
  readonly other4 = `11.203.${this.#number}.9`;
  /** Addresses of the world that are closed to a VM, although the host has a route to them. */
  readonly private4 = `10.203.${this.#number}.2`;
  readonly private6 = `fd00:cb00:${this.#number + 1}::2`;
  readonly metadata4 = "169.254.169.254";
  /** All of them, and other addresses of clouds. */
  readonly closed4 = [this.private4, this.metadata4, "168.63.129.16", "100.100.100.200"];
  /** This host's own address, on the same wire. */
  readonly host4 = `11.203.${this.#number}.1`;
  readonly host6 = `2a10:cb00:${this.#number + 1}::2`;

  constructor() {
    try {
      this.#layWire();
    } catch (error) {
      spawnSync("ip", ["netns", "delete", this.#name]);
      throw error;
    }
  }

  #layWire(): void {
    const [here, there] = [`pyw${this.#number}a`, `pyw${this.#number}b`];
    const inside = ["ip", "-n", this.#name];
    run("ip", "netns", "add", this.#name);
    // A host with forwarding would pass these packets to new namespaces, and a lost address would answer instead of being silent.
    this.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward");
    run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", this.#name);
    run("ip", "address", "add", this.host4, "peer", this.open4, "dev", here);
    run("ip", "address", "add", `${this.host6}/127`, "dev", here, "nodad");
    run("ip", "link", "set", here, "up");
    run(...inside, "address", "add", this.open4, "peer", this.host4, "dev", there);
    run(...inside, "address", "add", `${this.open6}/127`, "dev", there, "nodad");
    for (const address of [this.other4, ...this.closed4]) run(...inside, "address", "add", address, "dev", there);
    run(...inside, "address", "add", this.private6, "dev", there, "nodad");
    run(...inside, "link", "set", there, "up");
    run(...inside, "link", "set", "lo", "up");
    const others = [this.other4, ...this.closed4, this.private6];
    for (const address of others) run("ip", "route", "add", address, "dev", here);
  }

  /** A server in the world, on all its addresses. */
  peer(name: string, port: number): Promise<Peer> {
    const addresses = [this.open4, this.other4, ...this.closed4, this.open6, this.private6];
    return this.#start(["ip", "netns", "exec", this.#name, process.execPath, peerPath, name, `${port}`, ...addresses]);
  }

  /** A server on all addresses of this host, its loopback among them. */
  hostPeer(name: string, port: number): Promise<Peer> {
    return this.#start([process.execPath, peerPath, name, `${port}`, "0.0.0.0", "::"]);
  }

  /** A resolver on a loopback address of this host. Every name has the same address; some lead to a closed one (resolver-process.ts). */
  resolver(address: string, answer: string): Promise<Peer> {
    return this.#start([process.execPath, resolverPath, address, answer, this.private4]);
  }

  async #start([program = "", ...args]: readonly string[]): Promise<Peer> {
    const peer = new Peer(spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] }));
    this.#peers.push(peer);
    await until(`${args.join(" ")} listens`, () => peer.heard.includes("ready"));
    peer.take();
    return peer;
  }

  /** From now on packets to one of the world's addresses are lost. */
  lose(address: string): void {
    this.run("ip", "address", "delete", `${address}/32`, "dev", `pyw${this.#number}b`);
  }

  /** Gives this host one of the world's addresses, until the world ends. */
  takeOver(address: string): void {
    run("ip", "address", "add", `${address}/32`, "dev", `pyw${this.#number}a`);
  }

  /** Runs a program of the world's side. */
  run(...words: string[]): string {
    return run("ip", "netns", "exec", this.#name, ...words);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#peers) {
      const ended = new Promise((resolve) => child.once("close", resolve));
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    }
    run("ip", "netns", "delete", this.#name);
    await until("the wire is gone", () => spawnSync("ip", ["link", "show", `pyw${this.#number}a`]).status !== 0);
  }
}

function run(program = "", ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}
