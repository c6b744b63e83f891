// Builds pyro's OCI image without Docker: Debian's packages, the npm package of this checkout, an environment, and a template of it.
// PYRO_IMAGE_ENVIRONMENT names the environment (default debian:12, empty for none); PYRO_IMAGE_TEMPLATE_MIB the memory of the template
// (default 1024, empty for none). All layers but the template's are the same for the same inputs and SOURCE_DATE_EPOCH.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  buildDebianLayer,
  buildEnvironmentLayer,
  buildPyroLayer,
  buildTemplateLayer,
  environment,
  readPackageStatus,
  SUITE,
  USER,
} from "./image/layers.mjs";
import { writeImage } from "./image/oci.mjs";

const root = join(import.meta.dirname, "..");
const { version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const output = process.env["PYRO_IMAGE_DIRECTORY"] ?? join(root, "dist", "image");
const baked = process.env["PYRO_IMAGE_ENVIRONMENT"] ?? "debian:12";
const templateMib = baked === "" ? "" : (process.env["PYRO_IMAGE_TEMPLATE_MIB"] ?? "1024");
const reference = process.env["PYRO_IMAGE_REFERENCE"] ?? `localhost/pyro:${version}`;
const epoch = Number(process.env["SOURCE_DATE_EPOCH"] ?? git("log", "-1", "--format=%ct"));

const work = join(output, "work");
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
say(`packages of Debian ${SUITE}`);
const debian = buildDebianLayer(work, epoch);
const status = join(work, "status");
writeFileSync(status, readPackageStatus(debian));
const sbom = execFileSync(process.execPath, [join(root, "scripts/sbom.mjs"), "--dpkg-status", status], {
  env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  encoding: "utf8",
  maxBuffer: 1 << 26,
});
say(`pyro ${version}`);
const layers = [
  { path: debian, comment: `packages of Debian ${SUITE}` },
  { path: buildPyroLayer(work, epoch, sbom), comment: `pyro ${version}` },
];
if (baked !== "") {
  say(`the environment ${baked}`);
  const home = process.env["PYRO_IMAGE_HOME"] ?? join(output, "home");
  const pyro = (...words) =>
    execFileSync(join(root, "bin/pyro"), words, {
      env: { ...process.env, PYRO_HOME: home },
      stdio: ["ignore", "ignore", "inherit"],
    });
  pyro("env", "pull", baked);
  pyro("daemon", "stop");
  layers.push({ path: buildEnvironmentLayer(work, epoch, home, baked).tar, comment: `environment ${baked}` });
}
if (templateMib !== "") {
  say(`a template of ${baked} with ${templateMib} MiB`);
  const tars = layers.map(({ path }) => path);
  layers.push({
    path: buildTemplateLayer(work, epoch, tars, baked, templateMib),
    comment: `template of ${baked}, ${templateMib} MiB`,
  });
}
say("the archive");
const file = join(output, "pyro.tar");
const config = {
  architecture: "amd64",
  os: "linux",
  config: {
    User: `${USER}:${USER}`,
    Env: environment,
    Entrypoint: ["/usr/bin/tini", "--", "/usr/bin/pyro-pod"],
    WorkingDir: "/",
    Labels: {
      "org.opencontainers.image.title": "pyro",
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": license,
    },
  },
};
const image = await writeImage({ layers, config, reference, epoch, work, file });
writeFileSync(join(output, "sbom.cdx.json"), sbom);
writeFileSync(join(output, "digest"), `${image.digest}\n`);
rmSync(work, { recursive: true });
for (const { comment, size, descriptor } of image.layers)
  process.stdout.write(`${descriptor.digest}  ${mib(descriptor.size)} of ${mib(size)}  ${comment}\n`);
process.stdout.write(
  `${file}: ${reference}@${image.digest}, ${mib(image.compressed)} to pull, ${mib(image.unpacked)} on a node\n`,
);

function git(...words) {
  return execFileSync("git", words, { cwd: root, encoding: "utf8" }).trim();
}

function mib(bytes) {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}

function say(what) {
  process.stderr.write(`image: ${what}\n`);
}
