import { z } from "zod";

import type { PyroError } from "../../contract/errors.js";
import { parseUrl } from "../../host/proxy-tunnel.js";
import type { WebRequest, WebResponse } from "../../host/web.js";
import { readAll } from "../image/streams.js";
import type { Credentials } from "./credentials.js";
import { refusedError, tokenError } from "./failure.js";
import type { RegistryReference } from "./reference.js";
import { readRefusal } from "./refusal.js";

type Send = (url: URL, request: WebRequest) => Promise<WebResponse>;

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });
const MOST_TOKEN_BYTES = 262_144;
const CLIENT = "pyro";

/** The header for a registry: a login itself, or a token from another server. */
export class Authorization {
  readonly #reference: RegistryReference;
  readonly #credentials: Credentials | null;
  readonly #send: Send;
  #header: string | null = null;
  /** Requests that are refused at once share one renewal. */
  #renewal: Promise<boolean> | null = null;

  constructor(reference: RegistryReference, credentials: Credentials | null, send: Send) {
    this.#reference = reference;
    this.#credentials = credentials;
    this.#send = send;
  }

  get headers(): Record<string, string> {
    return this.#header === null ? {} : { authorization: this.#header };
  }

  /** Gets the authorization that an answer with status 401 requires. False when it is not a new one. */
  renew(response: WebResponse, signal: AbortSignal): Promise<boolean> {
    this.#renewal ??= this.#renew(response.headers["www-authenticate"] ?? "", signal).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(challenge: string, signal: AbortSignal): Promise<boolean> {
    const [, scheme = ""] = /^\s*(\w+)/.exec(challenge) ?? [];
    const parameters = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
    );
    const before = this.#header;
    if (scheme.toLowerCase() === "basic") this.#header = basicOf(this.#credentials);
    if (scheme.toLowerCase() === "bearer") this.#header = await this.#fetchToken(parameters, signal);
    return this.#header !== null && this.#header !== before;
  }

  async #fetchToken(parameters: ReadonlyMap<string, string>, signal: AbortSignal): Promise<string | null> {
    const url = parseUrl(parameters.get("realm") ?? "");
    if (url === null) return null;
    const scope = `repository:${this.#reference.repository}:pull`;
    const fields = { service: parameters.get("service") ?? "", scope };
    const response = await this.#send(url, this.#tokenRequest(url, fields, signal));
    if (response.status !== 200) throw await this.#refused(url.host, response);
    const bytes = await readAll(response.body, MOST_TOKEN_BYTES, "The token");
    const { token, access_token } = tokenSchema.safeParse(parseJson(bytes.toString("utf8"))).data ?? {};
    const found = token || access_token;
    if (!found) throw tokenError(this.#reference, url.host, "sends no token");
    return `Bearer ${found}`;
  }

  async #refused(server: string, response: WebResponse): Promise<PyroError> {
    const answer = await readRefusal(response);
    if (![401, 403, 429].includes(answer.status))
      return tokenError(this.#reference, server, `answers with status ${answer.status}`);
    return refusedError(this.#reference, answer, { isKnown: this.#credentials !== null, part: null });
  }

  /** An identity token is exchanged with a form, a password with a header. */
  #tokenRequest(url: URL, fields: Readonly<Record<string, string>>, signal: AbortSignal): WebRequest {
    if (this.#credentials?.kind === "identity") {
      const { token } = this.#credentials;
      const form = new URLSearchParams({
        ...fields,
        grant_type: "refresh_token",
        client_id: CLIENT,
        refresh_token: token,
      });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return { method: "POST", headers, body: form.toString(), signal };
    }
    for (const [key, value] of Object.entries(fields)) if (value !== "") url.searchParams.set(key, value);
    const header = basicOf(this.#credentials);
    return { headers: header === null ? {} : { authorization: header }, signal };
  }
}

function basicOf(credentials: Credentials | null): string | null {
  if (credentials?.kind !== "password") return null;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
