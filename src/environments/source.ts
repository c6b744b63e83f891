import type { Follower } from "../host/shared-work.js";
import type { ImageConfig, Origin } from "./manifest.js";
import type { BlobCache } from "./registry/blobs.js";
import type { RegistryReference } from "./registry/reference.js";

/** The parts of an environment that is not built yet. */
export type Recipe = DebianRecipe | ImageRecipe;

interface CommonRecipe {
  /** The stable name: `debian:12`, or the reference of an image. */
  readonly name: string;
  /** Grows when the recipe changes. */
  readonly version: string;
  readonly description: string;
  readonly architecture: "amd64";
}

/** A root file system that exists already, as an archive or an image. */
export type ImageRecipe = CommonRecipe &
  (
    | { readonly kind: "rootfs"; readonly path: string }
    | { readonly kind: "registry"; readonly reference: RegistryReference }
    | { readonly kind: "oci" | "docker-archive"; readonly path: string; readonly tag: string | null }
  );

/** A root file system made of Debian's packages, with its own kernel. */
export interface DebianRecipe extends CommonRecipe {
  readonly kind: "debian";
  readonly distribution: "debian";
  /** The distribution's release: `12`. */
  readonly release: string;
  /** The release's name in the archive: `bookworm`. */
  readonly suite: string;
  /** Approximate size of the root image. */
  readonly sizeMib: number;
  /** Packages named by the recipe; their dependencies are added. */
  readonly packages: readonly string[];
  /** Packages of the npm registry that are unpacked into /usr/local, each pinned by its digest. */
  readonly npmPackages: readonly NpmPackage[];
}

/** One file of the npm registry. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and the digest in base64, as in a lock file of npm. */
  readonly integrity: string;
}

/** Steps of a pull, in order. `ready` comes last, also when everything was installed. */
export type PullPhase = "check" | "download" | "install" | "kernel" | "image" | "digest" | "ready";

export interface PullProgress {
  readonly phase: PullPhase;
  readonly message: string;
  /** 0 to 1 of the whole pull, never falling. */
  readonly fraction: number;
}

export interface BuildOptions {
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
  /** Finds or fetches the kernel for an image. */
  readonly takeKernel: (follower: Follower<PullProgress>) => Promise<HeldKernelPack>;
  readonly registry: RegistryAccess;
}

/** How images of registries are fetched. */
export interface RegistryAccess {
  /** Where layers are kept. */
  readonly blobs: BlobCache;
  /** Digests of the layers that installed images were made of. */
  readonly neededLayers: () => Promise<ReadonlySet<string>>;
  /** Whether a registry of this host is asked without TLS. */
  readonly plainHttp: boolean;
}

/** A kernel with the modules that it needs to boot, for a root image without one. */
export interface KernelPack {
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly version: string;
  /** The package of the kernel. */
  readonly packages: BuiltEnvironment["packages"];
}

/** A kernel pack that stays until the release is called. */
export interface HeldKernelPack {
  readonly pack: KernelPack;
  readonly release: () => void;
}

/** Files that a source leaves in the directory it was given. */
export const environmentFiles = {
  kernel: "kernel",
  /** A cpio archive of kernel modules and their load order; the agent is added when a template is made. */
  initramfs: "initramfs",
  /** The root file system: ext4, read-only. */
  root: "root.img",
} as const;

export interface BuiltEnvironment {
  readonly kernelVersion: string;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  /** Name and release of the distribution, if the recipe does not have them. */
  readonly distribution?: string;
  readonly image?: ImageConfig;
  readonly origin?: Origin;
  /** Digests of the layers that were fetched for it. */
  readonly layers?: readonly string[];
}

/** Where environments come from. */
export interface EnvironmentSource {
  /** One phrase for `env inspect`. */
  readonly description: string;
  /** Throws HOST_NOT_ABLE when this host cannot build, with the missing parts and the fixing command. */
  assertAble(): Promise<void>;
  /**
   * Builds into an empty directory of ours. Throws PyroError HOST_NOT_ABLE (a program is missing: with the command that installs it),
   * ENVIRONMENT_BUILD_FAILED or DISK_FULL; the directory is the caller's to remove.
   */
  build(recipe: Recipe, directory: string, options: BuildOptions): Promise<BuiltEnvironment>;
  /**
   * Leaves the kernel and the initramfs for images in an empty directory of ours. Throws as build does; needs neither root nor a user
   * namespace.
   */
  fetchKernel(directory: string, follower: Follower<PullProgress>): Promise<Pick<KernelPack, "version" | "packages">>;
  /** Ends the processes and removes the files that a killed build left outside its directory, if any. */
  discard(directory: string): Promise<void>;
}
