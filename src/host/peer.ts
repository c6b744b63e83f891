import { fileURLToPath } from "node:url";

import type { Socket } from "./socket.js";

/** The process at the other end of a unix socket, as the kernel saw it when it connected. Ids are those of this process's namespaces. */
export interface Peer {
  /** 0 for a process of another PID namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

type PeerOf = (descriptor: number) => [pid: number, uid: number, gid: number] | null;

/** It is part of the package, built from C: Node.js cannot ask for SO_PEERCRED. */
const PEER_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-peer.node", import.meta.url));

let peerOf: PeerOf | null = null;

/** The peer of a connection; null when it has gone already. Throws when the library cannot be loaded. */
export function readPeer(socket: Socket): Peer | null {
  // The descriptor has no public name.
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  const facts = loadPeerOf()(handle?.fd ?? -1);
  if (facts === null) return null;
  const [pid, uid, gid] = facts;
  return { pid, uid, gid };
}

function loadPeerOf(): PeerOf {
  if (peerOf) return peerOf;
  const loaded = { exports: {} as unknown };
  process.dlopen(loaded, PEER_PATH);
  return (peerOf = loaded.exports as PeerOf);
}
