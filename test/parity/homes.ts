import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import type { ErrorCode } from "../../src/contract/errors.js";
import { Scratch } from "../client/scratch.js";
import { Listening, runInShell } from "../daemon/listening.js";
import { makeFakeSsh } from "../remote/fake-ssh.js";
import { VmScratch } from "../vm/vm-scratch.js";
import type { Place, Request } from "./runner.js";

/** A home, or a host, with a defect, and a call in it. */
export interface Home {
  readonly name: string;
  readonly request: Request;
  readonly code: ErrorCode;
  /** HTTP needs a running daemon. */
  readonly without?: readonly string[];
  /** True when making it mounts a file system. */
  readonly mounts?: true;
  /** `place` when it is not that of the scratch itself. */
  readonly open: () => Promise<AsyncDisposable & Place & { readonly place?: Place }>;
}

const run: Request = { operation: "vm.run", input: { environment: "debian:12", command: ["true"], mem_mib: 256 } };
const list: Request = { operation: "env.list", input: {} };
const pull: Request = { operation: "env.pull", input: { environment: "debian:12-base" } };

async function started<Kind extends Scratch>(scratch: Kind): Promise<Kind> {
  await scratch.pyro(["daemon", "start"]);
  return scratch;
}

/** The table of errors that no call alone can cause. */
export const homes: readonly Home[] = [
  {
    name: "a home that is a file",
    request: list,
    code: "HOME_UNUSABLE",
    without: ["HTTP"],
    open: async () => {
      const scratch = new Scratch();
      const home = join(scratch.directory, "file");
      writeFileSync(home, "");
      return Object.assign(scratch, { place: { home, env: { ...scratch.env, PYRO_HOME: home } } });
    },
  },
  {
    name: "a symbolic link in place of the lock file",
    request: list,
    code: "HOME_UNUSABLE",
    without: ["HTTP"],
    open: async () => {
      const scratch = new Scratch();
      mkdirSync(scratch.home, { mode: 0o700 });
      const link = join(scratch.home, "daemon.lock");
      symlinkSync("/nonexistent/lock", link);
      const dispose = async () => {
        rmSync(link);
        await Scratch.prototype[Symbol.asyncDispose].call(scratch);
      };
      return { home: scratch.home, env: scratch.env, [Symbol.asyncDispose]: dispose };
    },
  },
  {
    name: "a flock program that fails",
    request: list,
    code: "DAEMON_UNREACHABLE",
    // The SDK runs in this process, with its PATH.
    without: ["HTTP", "TypeScript"],
    open: async () => {
      const scratch = new Scratch();
      writeFileSync(join(scratch.directory, "flock"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      const env = { ...scratch.env, PATH: `${scratch.directory}:${scratch.env["PATH"]}` };
      const dispose = async () => {
        await Scratch.prototype[Symbol.asyncDispose].call(scratch);
      };
      return { home: scratch.home, env, [Symbol.asyncDispose]: dispose };
    },
  },
  {
    name: "a busy daemon of another version",
    request: list,
    code: "DAEMON_VERSION",
    open: async () => {
      const daemon = new Listening(runInShell, { version: "0.0.1" });
      daemon.vmsInUse = 1;
      const dispose = async () => {
        daemon.vmsInUse = 0;
        await daemon[Symbol.asyncDispose]();
      };
      return { home: daemon.home.path, env: daemon.env, [Symbol.asyncDispose]: dispose };
    },
  },
  {
    name: "a default time-out that is not a number of seconds",
    request: run,
    code: "INVALID_ARGUMENT",
    // It is the client's own variable.
    without: ["HTTP"],
    open: async () => {
      process.env["PYRO_TIMEOUT_SECONDS"] = "soon";
      const scratch = new Scratch();
      const dispose = async () => {
        delete process.env["PYRO_TIMEOUT_SECONDS"];
        await Scratch.prototype[Symbol.asyncDispose].call(scratch);
      };
      return { home: scratch.home, env: scratch.env, [Symbol.asyncDispose]: dispose };
    },
  },
  {
    name: "a context whose machine refuses the login",
    request: list,
    code: "REMOTE_DENIED",
    // It is the client's way to the daemon.
    without: ["HTTP"],
    open: async () => {
      const scratch = new Scratch();
      const env = { PYRO_SSH: makeFakeSsh(scratch.directory), PYRO_CONTEXT: "far" };
      await scratch.pyro(["context", "add", "far", "ssh://denied"]);
      Object.assign(process.env, env);
      const dispose = async () => {
        for (const name of Object.keys(env)) delete process.env[name];
        await Scratch.prototype[Symbol.asyncDispose].call(scratch);
      };
      return { home: scratch.home, env: { ...scratch.env, ...env }, [Symbol.asyncDispose]: dispose };
    },
  },
  {
    name: "a package mirror that does not answer",
    request: pull,
    code: "ENVIRONMENT_BUILD_FAILED",
    open: () => started(new Scratch({ PYRO_DEBIAN_MIRROR: "http://127.0.0.1:9/debian" })),
  },
  {
    name: "a build that is cancelled",
    request: { ...pull, cancel: true },
    code: "ABORTED",
    open: async () => {
      const silent = createServer(() => {});
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const { port } = silent.address() as { port: number };
      const scratch = await started(new Scratch({ PYRO_DEBIAN_MIRROR: `http://127.0.0.1:${port}/debian` }));
      const dispose = async () => {
        await Scratch.prototype[Symbol.asyncDispose].call(scratch);
        silent.close();
      };
      return { home: scratch.home, env: scratch.env, [Symbol.asyncDispose]: dispose };
    },
  },
  {
    name: "an environment that was changed",
    request: run,
    code: "ENVIRONMENT_CORRUPT",
    open: async () => {
      const scratch = new VmScratch();
      const environments = join(scratch.home, "environments");
      const copy = join(scratch.home, "copy");
      cpSync(environments, copy, { recursive: true, dereference: true });
      rmSync(environments, { recursive: true });
      renameSync(copy, environments);
      const names = readdirSync(environments, { recursive: true, encoding: "utf8" });
      const kernels = names.filter((name) => name.endsWith("/kernel"));
      if (kernels.length === 0) throw new Error("there is no kernel to change");
      for (const name of kernels) {
        chmodSync(join(environments, name), 0o600);
        appendFileSync(join(environments, name), "x");
      }
      return started(scratch);
    },
  },
  {
    name: "a disk that is full",
    request: run,
    code: "DISK_FULL",
    mounts: true,
    open: () => started(new VmScratch({ ownTemplates: true, smallDisk: { directory: ".", size: "10m" } })),
  },
  {
    name: "a QEMU that ends at once",
    request: run,
    code: "VM_START_FAILED",
    open: async () => {
      const scratch = new VmScratch({ ownTemplates: true, env: { PYRO_ACCEL: "tcg" } });
      const qemu = join(scratch.directory, "qemu-system-x86_64");
      writeFileSync(qemu, "#!/bin/sh\necho QEMU emulator version 7.2.0\n", { mode: 0o755 });
      scratch.env["PATH"] = `${scratch.directory}:${scratch.env["PATH"]}`;
      return started(scratch);
    },
  },
];
