import { fileURLToPath } from "node:url";

import type { Socket } from "./socket.js";

/** The process at the other end of a unix socket, as the kernel saw it when it connected. Ids are those of this process's namespaces. */
export interface Peer {
  /** 0 for a process of another PID namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

interface Library {
  /** Null for a descriptor that is not a connected unix socket. */
  peerOf(descriptor: number): [pid: number, uid: number, gid: number] | null;
  sealDescriptors(): void;
}

/** It is part of the package, built from C: Node.js has no call for either. */
const LIBRARY_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-peer.node", import.meta.url));

let library: Library | null = null;

/** The peer of a connection; null when it has gone already. Throws when the library cannot be loaded. */
export function readPeer(socket: Socket): Peer | null {
  // The descriptor has no public name.
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  const facts = loadLibrary().peerOf(handle?.fd ?? -1);
  if (facts === null) return null;
  const [pid, uid, gid] = facts;
  return { pid, uid, gid };
}

/**
 * Closes the descriptors that this process has inherited in every program that it starts: a shell may have left some open, for a file of
 * the user's, and a VM must not get them. Throws when the library cannot be loaded.
 */
export function sealDescriptors(): void {
  loadLibrary().sealDescriptors();
}

function loadLibrary(): Library {
  if (library) return library;
  const loaded = { exports: {} as unknown };
  process.dlopen(loaded, LIBRARY_PATH);
  return (library = loaded.exports as Library);
}
