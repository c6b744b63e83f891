import { createPrivateKey, type KeyObject } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

import { PyroError } from "../../../contract/errors.js";
import { readFile, stat, writeFileAtomic } from "../../../host/files.js";
import { makeAuthority, makeServerCertificate, newKey, SERVER_DAYS } from "./certificate.js";

/** The files of the authority. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}

const NAME = "pyro e2b, this machine only";
/** The most names whose certificates are kept. */
const MAX_KEPT = 256;
/** A certificate is made anew long before it ends. */
const RENEW_MS = (SERVER_DAYS / 2) * 86_400_000;

/** The authority of one home, which signs for names below `localhost` alone, and the certificates of a gateway. */
export class Authority {
  readonly #key: KeyObject;
  /** Of all certificates of this process; it is never written. */
  readonly #serverKey = newKey();
  readonly #kept = new Map<string | null, { readonly context: SecureContext; readonly madeMs: number }>();

  private constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Opens the authority; makes one when there is none. Throws HOME_UNUSABLE when its key is open to other users, or damaged. */
  static async open(files: AuthorityFiles): Promise<Authority> {
    const text = await readKeyFile(files.key);
    if (text !== null) return new Authority(parseKey(text, files.key));
    const { certificate, key } = makeAuthority(NAME);
    await writeFileAtomic(files.certificate, certificate);
    // The key comes last: without it, the next start makes both again.
    await writeFileAtomic(files.key, key.export({ type: "pkcs8", format: "pem" }) as string);
    return new Authority(key);
  }

  /** A certificate for a name below `localhost`, or for the loopback addresses, with its key. */
  certify(name: string | null): { readonly cert: string; readonly key: string } {
    const cert = makeServerCertificate({ name: NAME, key: this.#key }, name, this.#serverKey);
    return { cert, key: this.#serverKey.export({ type: "pkcs8", format: "pem" }) as string };
  }

  /** What a TLS connection to this name needs. */
  contextFor(servername: string): SecureContext {
    const name = isLocalName(servername) ? servername.toLowerCase() : null;
    const kept = this.#kept.get(name);
    if (kept && Date.now() - kept.madeMs < RENEW_MS) return kept.context;
    const context = createSecureContext({ ...this.certify(name), minVersion: "TLSv1.2" });
    if (this.#kept.size >= MAX_KEPT) this.#kept.delete([...this.#kept.keys()][0] ?? null);
    this.#kept.set(name, { context, madeMs: Date.now() });
    return context;
  }
}

function isLocalName(name: string): boolean {
  return name.length <= 253 && /^(?:[a-z0-9_-]{1,63}\.)+localhost$/i.test(name);
}

async function readKeyFile(path: string): Promise<string | null> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null || ((await stat(path)).mode & 0o077) === 0) return text;
  throw new PyroError("HOME_UNUSABLE", `${path} is open to other users.`, {
    hint: "Remove it: the next start makes another authority.",
    details: { path },
  });
}

function parseKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new PyroError("HOME_UNUSABLE", `${path} is not a key.`, {
      hint: "Remove it: the next start makes another authority.",
      details: { path },
      cause: error,
    });
  }
}
