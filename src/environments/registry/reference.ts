import { PyroError } from "../../contract/errors.js";

/** An image of a registry. */
export interface RegistryReference {
  /** `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly registry: string;
  /** Such as `library/python`. */
  readonly repository: string;
  /** Null when the digest alone names the image. */
  readonly tag: string | null;
  readonly digest: string | null;
}

const DOCKER_HUB = "docker.io";
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MOST_CHARACTERS = 255;

/**
 * Parses a reference as container engines do: `python:3.12` and `me/tool` are images of Docker Hub. Null for other names, and for a
 * word without a tag, since it may be an environment that is not installed. Throws INVALID_ARGUMENT for an invalid reference that names
 * a registry.
 */
export function parseRegistryReference(text: string): RegistryReference | null {
  const [named, digest = null] = splitOnce(text, text.indexOf("@"));
  const [name, tag = null] = splitOnce(named, tagColon(named));
  if (!name.includes("/") && tag === null && digest === null) return null;
  const [first, path = ""] = splitOnce(name, name.indexOf("/"));
  const hasRegistry = path !== "" && (/[.:]/.test(first) || first === "localhost");
  const reference = {
    registry: hasRegistry ? nameOf(first) : DOCKER_HUB,
    repository: hasRegistry ? path : name,
    ...{ tag: tag ?? (digest === null ? "latest" : null), digest },
  };
  if (isValid(reference)) return atDockerHub(reference);
  if (!hasRegistry || !HOST.test(first)) return null;
  throw new PyroError("INVALID_ARGUMENT", `${JSON.stringify(text)} is not a reference to an image.`, {
    hint: "Write REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST; the name is in lower case.",
    details: { environment: text },
  });
}

/** The full name of an image, which is the name of its environment. */
export function renderReference({ registry, repository, tag, digest }: RegistryReference): string {
  return `${registry}/${repository}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`;
}

/** Images of a distribution or a language have no user's name before theirs. */
function atDockerHub(reference: RegistryReference): RegistryReference {
  const { registry, repository } = reference;
  if (registry !== DOCKER_HUB || repository.includes("/")) return reference;
  return { ...reference, repository: `library/${repository}` };
}

function nameOf(registry: string): string {
  const name = registry.toLowerCase();
  return name === "index.docker.io" || name === "registry-1.docker.io" ? DOCKER_HUB : name;
}

function isValid({ registry, repository, tag, digest }: RegistryReference): boolean {
  return (
    HOST.test(registry) &&
    isPort(/:(\d+)$/.exec(registry)?.[1]) &&
    PATH.test(repository) &&
    repository.length <= MOST_CHARACTERS &&
    (tag === null || TAG.test(tag)) &&
    (digest === null || DIGEST.test(digest))
  );
}

function isPort(text: string | undefined): boolean {
  return text === undefined || (Number(text) > 0 && Number(text) < 65_536);
}

/** The colon of a tag comes after the last slash; an earlier colon belongs to a port. */
function tagColon(name: string): number {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? colon : -1;
}

function splitOnce(text: string, at: number): [string, string?] {
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
