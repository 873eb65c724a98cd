import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { readText } from '../cgroup/files.js';
import { openCgroup } from '../cgroup/open.js';
import { effectiveRules } from '../device-filter/rules.js';
import { UserError } from '../errors.js';
import type { RunningEntry } from '../find.js';
import { shellWord } from '../format/shell-word.js';
import { parseMounts } from '../host/mounts.js';
import { probeHost } from '../host/probe.js';
import { isAlive } from '../host/process.js';
import { namespacesOf, parseIdMap, readProcessFile } from '../host/process-files.js';
import { takenIds } from '../ids.js';
import { decodePlan } from '../plan/decode.js';
import { MAX_PLAN_BYTES } from '../plan/encode.js';
import * as defaults from '../spec/defaults.js';
import { loosened } from '../spec/loosened.js';
import type { Config } from '../spec/types.js';
import type { Roots } from '../state/roots.js';
import { readConfig } from '../state/started.js';
import { withUpdate } from '../state/update-record.js';
import { ownCgroups } from '../undo.js';
import type { Evidence } from './evidence.js';
import { gatherProcesses, strangersIn } from './processes.js';

/**
 * Reads what the checks judge: /proc of the container's processes, their cgroups, the state folder. Whatever the container does meanwhile, no path
 * that it controls is opened, and what was read of a number that another process took over is not believed.
 * @throws UserError when it ends meanwhile, or its config cannot be read
 */
export function gather(entry: RunningEntry, roots: Roots): Evidence {
  const { name, directory, init, update } = entry;
  const { config: started, problem } = readConfig(directory);
  if (started === undefined)
    throw new UserError(`what ${name} was asked to be is not known: ${problem}`, { hint: `crt rm -f ${shellWord(name)}` });
  // What `crt update` was asked for counts as what the start was.
  const config = { ...started, linux: { ...started.linux, resources: withUpdate(started.linux.resources ?? {}, update) } };
  const changed = update?.resources.pids === undefined ? [] : loosened({ name, pidsLimit: update.resources.pids.limit });
  const record = { ...entry.record, loosened: [...entry.record.loosened, ...changed] };
  const facts = probeHost();
  const directories = ownCgroups(entry);
  const cgroup = openCgroup(facts.cgroup, name, { ...config.linux.resources, devices: effectiveRules(config.linux) });
  const read = (file: string): string => readProcessFile(init.pid, file) ?? '';
  const { processes, descriptorsLeftOut } = gatherProcesses(init);
  const [first] = processes;
  // The table of a process begins at its root: who has changed that shows a part of it.
  const whole = processes.find(({ root, namespaces }) => root === '/' && namespaces.mount === first?.namespaces.mount);
  const evidence = {
    ...{ name, record, config, facts, directories, cgroup, processes, descriptorsLeftOut },
    mounts: parseMounts(readProcessFile(whole?.pid ?? init.pid, 'mountinfo') ?? ''),
    changedRoot: whole === undefined ? first?.root : undefined,
    sources: realSources(config),
    hostNamespaces: namespacesOf('self'),
    uidMap: parseIdMap(read('uid_map')),
    gidMap: parseIdMap(read('gid_map')),
    limits: read('limits'),
    label: read('attr/current').replace(/[\0\n]+$/, ''),
    strangers: strangersIn(
      directories.map(({ path }) => path),
      processes,
    ),
    files: readLimits(
      directories.map(({ path }) => path),
      cgroup.limits.flatMap(({ file, readBack }) => [file, readBack?.file ?? file]),
    ),
    plannedFilters: plannedFilters(`${directory}/plan`),
    takenIds: takenIds(roots, record.id),
    kernelPaths: kernelPaths(config, facts.cpus),
  };
  // Last: all that was read by this number before was of this process.
  if (first === undefined || !first.isInit || !isAlive(init))
    throw new UserError(`${name} ended while it was looked at`, { hint: 'crt ps -a' });
  return { ...evidence, init: first };
}

/** Paths of the host that the caller gave. Who bends one afterwards makes it differ from what is mounted, which is a failure. */
function realSources({ mounts }: Config): ReadonlyMap<string, string> {
  const sources = mounts.flatMap(({ source }) => (source?.startsWith('/') ? [source] : []));
  return new Map(
    sources.flatMap((source) => {
      try {
        return [[source, realpathSync(source)] as const];
      } catch {
        // Gone since.
        return [];
      }
    }),
  );
}

function readLimits(directories: readonly string[], files: readonly string[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const path of directories)
    for (const file of new Set([...files, 'memory.usage_in_bytes', 'memory.current'])) {
      // devices.allow can only be written to.
      const text = file === 'devices.allow' || file === 'devices.deny' ? undefined : readText(`${path}/${file}`);
      if (text !== undefined) texts.set(`${path}/${file}`, text);
    }
  return texts;
}

/** How many filters the start was to load: every process inside has as many, or more. */
function plannedFilters(path: string): number | undefined {
  try {
    if (statSync(path).size > MAX_PLAN_BYTES) return undefined;
    return decodePlan(readFileSync(path)).filter(({ op }) => op === 'seccomp' || op === 'listener').length;
  } catch {
    // Missing, damaged, or of another version of crt: at least one filter is asked for then.
    return undefined;
  }
}

/** What this kernel does not have is not covered. The host's own /proc and /sys show the same names. */
function kernelPaths({ linux }: Config, cpus: number): ReadonlySet<string> {
  const asked = [...(linux.maskedPaths ?? []), ...(linux.readonlyPaths ?? [])];
  const all = [...asked, ...defaults.maskedPaths(cpus), ...defaults.READONLY_PATHS];
  // Not of the image: a link there could lead the look anywhere.
  return new Set(all.filter((path) => /^\/(proc|sys)\//.test(path) && existsSync(path)));
}
