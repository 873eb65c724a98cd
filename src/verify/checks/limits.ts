import { isAccepted, type LimitWrite } from '../../cgroup/limits.js';
import { deviceFilter, isUnrestricted } from '../../device-filter/rules.js';
import type { MountEntry } from '../../host/mounts.js';
import { holdingMount } from '../../host/mounts.js';
import * as defaults from '../../spec/defaults.js';
import { formatBytes } from '../../spec/size.js';
import { type Evidence, nameProcesses, wordsOf } from '../evidence.js';
import { fail, note, pass, type Seen, weaker } from '../finding.js';
import { count } from './processes.js';

/** The limit in the kernel is the one that was asked for. */
export function memory(evidence: Evidence): readonly Seen[] {
  const asked = evidence.config.linux.resources?.memory?.limit;
  if (asked === undefined || asked <= 0) return [note('no memory limit was asked for: it may use all that the machine has')];
  const usage = Number(textOf(evidence, 'memory.usage_in_bytes') ?? textOf(evidence, 'memory.current'));
  const used = Number.isFinite(usage) ? `, ${formatBytes(usage)} of it are used` : '';
  return readBack(evidence, 'memory', `the limit is ${formatBytes(Number(asked))}${used}`);
}

export function processCount(evidence: Evidence): readonly Seen[] {
  const limit = evidence.config.linux.resources?.pids?.limit ?? 0;
  const expected = `${defaults.DEFAULT_PIDS_LIMIT} at most`;
  const words = wordsOf(evidence, /^pids-limit=/);
  if (limit <= 0) return [weaker('there is no limit', expected, words)];
  const seen = readBack(evidence, 'pids', `${limit} processes and threads at most`);
  const holds = seen.every(({ verdict }) => verdict === 'pass');
  return holds && limit > defaults.DEFAULT_PIDS_LIMIT ? [weaker(`${limit} processes and threads at most`, expected, words)] : seen;
}

export function processors(evidence: Evidence): readonly Seen[] {
  const { cpu } = evidence.config.linux.resources ?? {};
  if (cpu === undefined || Object.keys(cpu).length === 0) return [];
  const told = Object.entries(cpu).map(([key, value]) => `${key} ${value}`);
  return [...readBack(evidence, 'cpu', told.join(', ')), ...readBack(evidence, 'cpuset', `processors ${cpu.cpus ?? 'as above'}`)];
}

/** Version 1 shows its list; version 2 has a program in the kernel, which only bpf(2) shows. */
export function devices(evidence: Evidence): readonly Seen[] {
  const rules = evidence.config.linux.resources?.devices ?? [];
  if (isUnrestricted(deviceFilter(rules))) return [weaker('no device is denied', 'the default devices', wordsOf(evidence, 'privileged'))];
  const writes = evidence.cgroup.limits.filter(({ controller }) => controller === 'devices');
  if (writes.length === 0)
    return [
      note(
        evidence.facts.cgroup.mode === 'v2'
          ? 'a program of the cgroup, which cannot be read from here'
          : 'no cgroup hierarchy for devices is mounted',
      ),
    ];
  const list = textOf(evidence, 'devices.list')?.split('\n') ?? [];
  const seen = readBack(evidence, 'devices', `${list.length} rules, all else is denied`);
  const words = wordsOf(evidence, /^device=/);
  const known = new Set(defaults.deviceRules().map(({ type, major, minor }) => `${type} ${major ?? '*'}:${minor ?? '*'}`));
  const more = list.filter((line) => !known.has(line.replace(/ \w+$/, '')));
  if (more.length === 0 || seen.some(({ verdict }) => verdict === 'fail')) return seen;
  return [...seen, weaker(`beside the defaults: ${more.join(', ')}`, 'the default devices', words)];
}

/** What stands in the files of the cgroup, beside what was written to them. */
function readBack(evidence: Evidence, controller: LimitWrite['controller'], told: string): readonly Seen[] {
  const writes = evidence.cgroup.limits.filter((write) => write.controller === controller);
  if (writes.length === 0) return [];
  const wrong = writes.flatMap((write) => {
    const { file, value } = write.readBack ?? write;
    if (write.kind === 'later' && write.readBack === undefined) return [];
    const got = textOf(evidence, file);
    if (got === undefined && write.optional) return [];
    if (got !== undefined && isAccepted({ kind: write.kind, value }, got)) return [];
    return [fail(`${file} is ${got === undefined ? 'not there' : oneLine(got)}`, oneLine(value))];
  });
  return wrong.length > 0 ? wrong : [pass(told)];
}

function oneLine(text: string): string {
  return text.split('\n').join(', ');
}

function textOf({ files, directories }: Evidence, file: string): string | undefined {
  return directories.map(({ path }) => files.get(`${path}/${file}`)).find((text) => text !== undefined);
}

/** Every process is in every cgroup that was made for it, and nobody else is. */
export function membership(evidence: Evidence): readonly Seen[] {
  const { directories, record, processes, strangers, facts } = evidence;
  const gone = record.cgroupPaths.filter((path) => !directories.some((directory) => directory.path === path));
  if (gone.length > 0) return [fail(`not there, or not the one that was made: ${gone.join(', ')}`, 'its cgroups')];
  if (directories.length === 0) return [note('it has no cgroup: none can be made on this machine')];
  const outside = directories.flatMap(({ path }) => {
    const mount = holdingMount(path, facts.mounts);
    const astray = processes.filter(({ cgroup }) => mount === undefined || !isWithin(cgroup, path, mount));
    return astray.length === 0 ? [] : [fail(`not in ${path}: ${nameProcesses(astray)}`, 'every process of the container')];
  });
  const foreign =
    strangers.length === 0 ? [] : [fail(`in its cgroups: ${strangers.slice(0, 5).join(', ')}`, 'nobody from outside of the container')];
  const seen = [...outside, ...foreign];
  return seen.length > 0 ? seen : [pass(`${count(processes.length)}, all in ${directories.map(({ path }) => path).join(', ')}`)];
}

/** Lines `ID:CONTROLLERS:PATH` of /proc/PID/cgroup (cgroups(7)). */
function isWithin(cgroup: string, directory: string, mount: MountEntry): boolean {
  const wanted = `${mount.root === '/' ? '' : mount.root}${directory.slice(mount.mountpoint === '/' ? 0 : mount.mountpoint.length)}`;
  const line = cgroup.split('\n').find((text) => {
    const [, controllers = ''] = text.split(':');
    return mount.fstype === 'cgroup2'
      ? text.startsWith('0::')
      : controllers !== '' && controllers.split(',').every((name) => mount.superOptions.includes(name));
  });
  const path = line?.split(':').slice(2).join(':');
  return path !== undefined && (path === wanted || path.startsWith(`${wanted}/`));
}
