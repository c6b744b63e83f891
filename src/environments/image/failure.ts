import { PyroError } from "../../contract/errors.js";

/** Why an image cannot become an environment. */
export type ImageFailure =
  | "not_found"
  | "unreadable"
  | "invalid"
  | "digest"
  | "platform"
  | "compression"
  | "too_large"
  | "xattrs";

const hints: Partial<Record<ImageFailure, string>> = {
  not_found: "Check the path and the tag.",
  invalid: "Save the image again, for example with `docker save` or `skopeo copy`.",
  digest: "A file of the image is damaged. Fetch or save the image again.",
  platform: "pyro runs images for linux/amd64.",
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
  return new PyroError(code, message, { ...(hint && { hint }), details: { reason, ...details }, cause });
}
