import type { NamespaceName } from '../../host/process-files.js';
import * as defaults from '../../spec/defaults.js';
import { type Evidence, nameProcesses, wordsOf } from '../evidence.js';
import { fail, pass, type Seen, weaker } from '../finding.js';

/** Each namespace of the config has another inode than the host's; each of the defaults is in the config. */
export function namespaces({ config, init, hostNamespaces, ...evidence }: Evidence): readonly Seen[] {
  const asked = new Set(config.linux.namespaces.map(({ type }) => type));
  const all: readonly NamespaceName[] = ['user', ...defaults.DEFAULT_NAMESPACES.map(({ type }) => type)];
  return [...new Set([...all, ...asked])].map((name): Seen => {
    const [own, host] = [init.namespaces[name], hostNamespaces[name]];
    const observed = `${name} ${own ?? 'not known'}, the host has ${host ?? 'not known'}`;
    const isOwn = own !== undefined && host !== undefined && own !== host;
    if (asked.has(name)) return isOwn ? pass(observed) : fail(observed, `a ${name} namespace of its own`);
    if (isOwn) return pass(observed);
    return weaker(
      `${name} ${own ?? 'not known'}, shared with the host`,
      `a ${name} namespace of its own`,
      wordsFor(name, { config, init, hostNamespaces, ...evidence }),
    );
  });
}

function wordsFor(name: NamespaceName, evidence: Evidence): readonly string[] {
  if (name === 'user') return wordsOf(evidence, 'userns=host', 'privileged');
  return name === 'network' ? wordsOf(evidence, 'network=host') : [];
}

/** Every process of the container is in the same namespaces as its PID 1. */
export function sameNamespaces({ init, processes, hostNamespaces }: Evidence): readonly Seen[] {
  const names = Object.keys(init.namespaces) as NamespaceName[];
  const astray = processes.filter(({ namespaces }) =>
    // One that it made itself is below its own; the host's is not.
    names.some((name) => namespaces[name] === hostNamespaces[name] && namespaces[name] !== init.namespaces[name]),
  );
  if (astray.length === 0) return [pass(`${count(processes.length)}, none in a namespace of the host that PID 1 is not in`)];
  return [fail(`in namespaces of the host: ${nameProcesses(astray)}`, 'every process in the namespaces of its PID 1')];
}

/** Its first process is number 1 inside, and numbers nobody else's. */
export function pidOne({ init }: Evidence): readonly Seen[] {
  const numbers = (init.status.get('NSpid') ?? '').split(/\s+/);
  const inside = numbers.at(-1);
  if (numbers.length > 1 && inside === '1') return [pass(`process ${init.pid} of the host is 1 inside`)];
  return [fail(`process ${init.pid} of the host is ${inside || 'not known'} inside`, 'number 1 of a pid namespace of its own')];
}

/** `ps` inside reads /proc: it has to be one of the container's own pid namespace. */
export function procfs({ mounts, facts }: Evidence): readonly Seen[] {
  const proc = mounts.filter(({ mountpoint }) => mountpoint === '/proc').at(-1);
  const host = new Set(facts.mounts.filter(({ fstype }) => fstype === 'proc').map(({ device }) => device));
  const expected = 'a procfs of its own pid namespace';
  if (proc === undefined) return [fail('nothing is mounted at /proc', expected)];
  if (proc.fstype !== 'proc' || proc.root !== '/') return [fail(`/proc is ${proc.fstype} ${proc.root}`, expected)];
  if (host.has(proc.device)) return [fail(`/proc is the host's, file system ${proc.device}`, expected)];
  return [pass(`/proc is file system ${proc.device}, which the host has not mounted`)];
}

/** The name itself cannot be read from outside; that it is the container's own to have can. */
export function hostname({ config, init, hostNamespaces }: Evidence): readonly Seen[] {
  const isOwn = init.namespaces.uts !== undefined && init.namespaces.uts !== hostNamespaces.uts;
  if (isOwn) return [pass(`a uts namespace of its own, for the name ${config.hostname ?? 'that it gives itself'}`)];
  return [fail("it is the host's", `${config.hostname ?? 'a name'} in a uts namespace of its own`)];
}

export function count(processes: number): string {
  return processes === 1 ? '1 process' : `${processes} processes`;
}
