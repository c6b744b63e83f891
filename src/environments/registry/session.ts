import { PyroError } from "../../contract/errors.js";
import { readAuthorities } from "../../host/certificate-authorities.js";
import { isLoopbackName, parseUrl } from "../../host/proxy-tunnel.js";
import { WebClient, type WebResponse } from "../../host/web.js";
import { Authorization } from "./authorization.js";
import { type Credentials, readCredentials } from "./credentials.js";
import { connectionError, refusedError } from "./failure.js";
import { type RegistryReference, renderReference } from "./reference.js";
import { readRefusal } from "./refusal.js";

export interface SessionOptions {
  /** Whether a registry of this host is asked without TLS. */
  readonly plainHttp: boolean;
  readonly signal: AbortSignal;
  /** The variables that name proxies, certificates and Docker's configuration. */
  readonly variables: NodeJS.ProcessEnv;
}

/** One request of a repository, beneath `/v2/NAME/`. */
export interface RepositoryRequest {
  readonly path: string;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const MOST_REDIRECTS = 5;

/** A connection to the registry of one image, with Docker's login. */
export class RegistrySession {
  readonly reference: RegistryReference;
  readonly #web: WebClient;
  readonly #address: string;
  #isPlain: boolean;
  readonly #credentials: Credentials | null;
  readonly #authorization: Authorization;

  private constructor(
    reference: RegistryReference,
    options: SessionOptions,
    web: WebClient,
    known: Credentials | null,
  ) {
    this.reference = reference;
    this.#web = web;
    this.#credentials = known;
    const host = reference.registry === "docker.io" ? "registry-1.docker.io" : reference.registry;
    this.#address = `://${host}/v2/${reference.repository}/`;
    this.#isPlain = options.plainHttp;
    this.#authorization = new Authorization(reference, known, (url, request) => this.#send(url, request));
  }

  /** Throws INVALID_ARGUMENT for plain HTTP to another host, REGISTRY_DENIED when Docker's configuration cannot be used. */
  static async open(reference: RegistryReference, options: SessionOptions): Promise<RegistrySession> {
    const { registry } = reference;
    if (options.plainHttp && !isOnLoopback(registry)) {
      throw new PyroError(
        "INVALID_ARGUMENT",
        `${registry} is not on this host's loopback, so it is asked with TLS only.`,
        {
          hint: "Pull without plain HTTP; add the registry's certificate authority to those of this host.",
          details: { registry },
        },
      );
    }
    const known = await readCredentials(registry, options.variables, options.signal);
    const certificates = await readAuthorities(registry, options.variables);
    return new RegistrySession(reference, options, new WebClient(certificates, options.variables), known);
  }

  /** The answer with status 200 or 206, or one of `also`. Throws a REGISTRY_ error, ENVIRONMENT_UNKNOWN for status 404. */
  async request(request: RepositoryRequest, also: readonly number[] = []): Promise<WebResponse> {
    try {
      return await this.#request(request, also);
    } catch (error) {
      if (!this.#mayBePlain(error)) throw error;
      this.#isPlain = true;
      return this.#request(request, also);
    }
  }

  close(): void {
    this.#web.close();
  }

  get #base(): URL {
    return new URL(`${this.#isPlain ? "http" : "https"}${this.#address}`);
  }

  /** A registry of this host that has no TLS is asked without it, unless that would show a login to whoever has its port. */
  #mayBePlain(error: unknown): boolean {
    const { registry } = this.reference;
    if (this.#isPlain || this.#credentials !== null || !isOnLoopback(registry)) return false;
    const { reason, host } = error instanceof PyroError ? error.details : {};
    return reason === "plain_http" && host === registry;
  }

  async #request(request: RepositoryRequest, also: readonly number[]): Promise<WebResponse> {
    const { headers, ...rest } = request;
    const base = this.#base;
    const url = new URL(request.path, base);
    const ask = () => this.#follow(url, { ...rest, headers: { ...headers, ...this.#authorization.headers } });
    const first = await ask();
    let { response } = first;
    // Another server must not choose where the login is sent.
    const isOwn = first.origin === base.origin;
    if (response.status === 401 && isOwn && (await this.#authorization.renew(response, request.signal))) {
      response.body.resume();
      ({ response } = await ask());
    }
    if ([200, 206, ...also].includes(response.status)) return response;
    const [, digest = null] = /\/(sha256:.*)$/.exec(request.path) ?? [];
    const part = digest === this.reference.digest ? null : digest;
    throw refusedError(this.reference, await readRefusal(response), { isKnown: this.#credentials !== null, part });
  }

  /** Follows redirects to the store of a registry's blobs; the login is sent to the registry only. `origin`: the server that answered. */
  async #follow(
    from: URL,
    request: Parameters<WebClient["request"]>[1],
  ): Promise<{ response: WebResponse; origin: string }> {
    let url = from;
    for (let count = 0; ; count += 1) {
      const { authorization, ...others } = request.headers ?? {};
      const headers = url.origin === from.origin && authorization !== undefined ? { ...others, authorization } : others;
      const response = await this.#send(url, { ...request, headers });
      const location = response.headers.location;
      if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined)
        return { response, origin: url.origin };
      response.body.resume();
      const next = parseUrl(location, url.href);
      if (next === null) throw this.#misled(`redirects to ${JSON.stringify(location.slice(0, 200))}, which is no URL`);
      if (count === MOST_REDIRECTS) throw this.#misled(`redirects more than ${MOST_REDIRECTS} times`);
      url = next;
    }
  }

  async #send(url: URL, request: Parameters<WebClient["request"]>[1]): Promise<WebResponse> {
    const isPlain = this.#isPlain && url.protocol === "http:" && isLoopbackName(url.hostname.replace(/^\[|\]$/g, ""));
    if (url.protocol !== "https:" && !isPlain)
      throw this.#misled(`leads to ${url.origin === "null" ? url.protocol : url.origin}, which has no TLS`);
    try {
      return await this.#web.request(url, request);
    } catch (error) {
      request.signal.throwIfAborted();
      throw connectionError(this.reference.registry, url.host, error);
    }
  }

  #misled(what: string): PyroError {
    const { registry } = this.reference;
    return new PyroError("REGISTRY_UNREACHABLE", `The registry ${registry} ${what}.`, {
      details: { reason: "redirect", registry, environment: renderReference(this.reference) },
    });
  }
}

function isOnLoopback(registry: string): boolean {
  return isLoopbackName(registry.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""));
}
