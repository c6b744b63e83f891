/** The volumes that the restricted profile allows. */
const volumeTypes = [
  ...["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
];

type Fields = Readonly<Record<string, any>>;

/** The rules of the restricted profile (Pod Security Standards) that a pod breaks. */
export function findViolations({ spec }: { readonly spec: Fields }): string[] {
  const pod: Fields = spec["securityContext"] ?? {};
  const containers: Fields[] = [...(spec["containers"] ?? []), ...(spec["initContainers"] ?? [])];
  const rules: [boolean, string][] = [
    [Boolean(spec["hostNetwork"] || spec["hostPID"] || spec["hostIPC"]), "it uses namespaces of the host"],
    [(pod["sysctls"] ?? []).length > 0, "it sets sysctls"],
    ...(spec["volumes"] ?? []).map((volume: Fields): [boolean, string] => [
      !Object.keys(volume).every((key) => key === "name" || volumeTypes.includes(key)),
      `the volume ${volume["name"]} has a forbidden type`,
    ]),
    ...containers.flatMap((container) => judge(container, pod)),
  ];
  return rules.flatMap(([isBroken, rule]) => (isBroken ? [rule] : []));
}

function judge(container: Fields, pod: Fields): [boolean, string][] {
  const own: Fields = container["securityContext"] ?? {};
  const both = { ...pod, ...own };
  const name = `container ${container["name"]}`;
  const added: string[] = own["capabilities"]?.add ?? [];
  return [
    [own["privileged"] === true, `${name} is privileged`],
    [own["allowPrivilegeEscalation"] !== false, `${name} may escalate privileges`],
    [both["runAsNonRoot"] !== true, `${name} may run as root`],
    [both["runAsUser"] === 0, `${name} runs as root`],
    [!["RuntimeDefault", "Localhost"].includes(both["seccompProfile"]?.type), `${name} has no seccomp profile`],
    [!(own["capabilities"]?.drop ?? []).includes("ALL"), `${name} keeps capabilities`],
    [added.some((capability) => capability !== "NET_BIND_SERVICE"), `${name} adds capabilities`],
    [!["Default", undefined].includes(own["procMount"]), `${name} has another /proc`],
    [(container["ports"] ?? []).some((port: Fields) => port["hostPort"]), `${name} has ports of the host`],
  ];
}
