/** The installed packages of a dpkg status file, sorted by name. */
export function parsePackages(status: string): { name: string; version: string }[] {
  const packages: { name: string; version: string }[] = [];
  for (const paragraph of status.split("\n\n")) {
    const fields = new Map<string, string>();
    for (const line of paragraph.split("\n")) {
      const match = /^([A-Za-z-]+): (.*)$/.exec(line);
      if (match?.[1] !== undefined && match[2] !== undefined) fields.set(match[1], match[2]);
    }
    const name = fields.get("Package");
    const version = fields.get("Version");
    if (name !== undefined && version !== undefined && fields.get("Status") === "install ok installed") {
      packages.push({ name, version });
    }
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}
