import { PyroError } from "../../contract/errors.js";

/** Why an image cannot become an environment. */
export type ImageFailure =
  | "not_found"
  | "unreadable"
  | "invalid"
  | "media_type"
  | "digest"
  | "platform"
  | "compression"
  | "too_large"
  | "xattrs";

const hints: Record<ImageFailure, string> = {
  not_found: "Check the path and the tag.",
  unreadable: "Name a file or directory that pyro's daemon can read.",
  invalid: "Push or save the image again, for example with `docker push`, `docker save` or `skopeo copy`.",
  media_type: "pyro reads container images of OCI and of Docker (schema 2), with layers that are tar archives.",
  digest: "A file of the image is damaged. Push or save the image again.",
  platform: "pyro runs images for linux/amd64.",
  compression: "Install the program `zstd` (apt-get install zstd), or run pyro with Node.js 22.15 or later.",
  too_large: "Use a smaller image.",
  xattrs: "Build the image with fewer or smaller extended attributes.",
};

/** The error of an image that cannot be used; `details.reason` says why. */
export function imageError(
  reason: ImageFailure,
  message: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
  hint = hints[reason],
): PyroError {
  const code = reason === "not_found" ? "ENVIRONMENT_UNKNOWN" : "ENVIRONMENT_BUILD_FAILED";
  return new PyroError(code, message, { hint, details: { reason, ...details }, cause });
}
