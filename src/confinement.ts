import { statSync } from 'node:fs';
import { UserError } from './errors.js';
import { cachedFilter } from './filter-cache.js';
import type { HostFacts } from './host/facts.js';
import { loadedProfiles } from './host/lsm.js';
import type { DeviceOption, RunOptions } from './options.js';
import { readNamedFile } from './read-named-file.js';
import { filterFlags, hasNotify } from './seccomp/compile.js';
import { defaultProfile } from './seccomp/default-profile.js';
import { setIdGuard } from './seccomp/set-id.js';
import { unknownCalls } from './seccomp/unknown-calls.js';
import { capabilityMask, capabilityNames } from './spec/capabilities.js';
import { defaultCapabilities } from './spec/defaults.js';
import type { HostDevice } from './spec/device-flag.js';
import { quote } from './spec/quote.js';
import { readSeccompProfile } from './spec/seccomp-profile.js';
import { guardsSetId } from './spec/set-id.js';
import type { Config, Process } from './spec/types.js';

/** What loosens or tightens a container, as far as this machine has a say in it. Nothing here touches the host. */

/** A filter of system calls as the kernel takes it, and the flags of seccomp(2) that go with it. */
export interface Filter {
  readonly program: Uint8Array;
  readonly flags: number;
  /** Names in a profile of the user's that get no rule, as nothing here knows them. */
  readonly unknown: readonly string[];
}

/**
 * The filter of system calls; undefined for none.
 * @throws UserError when the profile cannot be read, or is not one.
 */
export function chooseFilter(options: RunOptions, config: Config, facts: HostFacts): Filter | undefined {
  const { securityOpt = {}, privileged } = options;
  const { seccomp = privileged ? 'unconfined' : undefined } = securityOpt;
  if (seccomp === 'unconfined') return undefined;
  const bounding = config.process.capabilities?.bounding ?? [];
  if (seccomp === undefined) return { program: ownFilter(config, facts.arch), flags: 0, unknown: [] };
  const profile = readSeccompProfile(readProfile(seccomp), `securityOpt.seccomp: ${seccomp}`, {
    arch: facts.arch,
    kernel: facts.kernel,
    capabilities: bounding,
  });
  if (hasNotify(profile)) {
    const what = `securityOpt.seccomp: ${quote(seccomp)} asks somebody outside (SCMP_ACT_NOTIFY), and crt answers mount(2) alone`;
    throw new UserError(what, { hint: 'SCMP_ACT_ERRNO refuses the call' });
  }
  return { program: cachedFilter(profile, { arch: facts.arch }), flags: filterFlags(profile), unknown: unknownCalls(profile) };
}

/** What keeps setuid bits off files of the host, beside any filter and where there is none; undefined where nothing has to be guarded. */
export function chooseGuard(options: RunOptions, { arch }: HostFacts): Uint8Array | undefined {
  return guardsSetId(options) ? cachedFilter(setIdGuard(arch), { arch }) : undefined;
}

/** The filters of crt's own profile that this process has had already; a program that starts many containers asks for one of them. */
const known = new Map<string, Uint8Array>();

function ownFilter({ process: { capabilities = {}, noNewPrivileges = false } }: Config, arch: string): Uint8Array {
  const made = { capabilities: capabilities.bounding ?? [], mountIsAnswered: noNewPrivileges };
  const key = JSON.stringify([arch, made]);
  const filter = known.get(key) ?? cachedFilter(defaultProfile(made), { arch });
  known.set(key, filter);
  return filter;
}

function readProfile(path: string): string {
  return readNamedFile(path, 'securityOpt.seccomp:', 'unconfined, or a file with a profile in JSON').toString('utf8');
}

/** What is at each host path; a link is followed, as docker does. @throws UserError for what is no device */
export function lookAtDevices(devices: readonly DeviceOption[]): HostDevice[] {
  return devices.map(({ source }, at) => {
    const stat = statSync(source, { throwIfNoEntry: false });
    const what = `devices[${at}].source: ${quote(source)}`;
    if (stat === undefined) throw new UserError(`${what} is not there`, { hint: 'ls -l /dev' });
    if (!stat.isCharacterDevice() && !stat.isBlockDevice()) {
      throw new UserError(`${what} is not a device`, { hint: stat.isDirectory() ? 'name each device in it' : '-v is for files' });
    }
    return { type: stat.isBlockDevice() ? 'b' : 'c', ...numbers(stat.rdev), mode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid };
  });
}

/** The kernel's encoding of a device number in stat(2): major in bits 8 to 19, minor in 0 to 7 and from 20 up. */
function numbers(rdev: number): { major: number; minor: number } {
  const bits = BigInt(rdev);
  return { major: Number((bits >> 8n) & 0xfffn), minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xfff00n)) };
}

/**
 * @param profiles the loaded AppArmor profiles, asked for at most once; undefined where nobody can tell
 * @throws UserError for what the config asks for and this machine does not have: nothing is confined less than was meant.
 */
export function checkConfinement({ process }: Config, facts: HostFacts, profiles: typeof loadedProfiles = loadedProfiles): void {
  checkCapabilities(process, facts);
  checkApparmor(process.apparmorProfile, facts, profiles);
  if (process.selinuxLabel && !facts.lsm.selinux) {
    throw new UserError(`the SELinux label ${quote(process.selinuxLabel)} cannot be had: SELinux is not enabled here`, {
      hint: 'leave out --security-opt label=…; sestatus tells more',
      check: 'security-modules',
    });
  }
}

function isUsual(name: string): boolean {
  return defaultCapabilities().bounding.includes(name);
}

function checkCapabilities({ capabilities = {} }: Process, facts: HostFacts): void {
  const asked = Object.values(capabilities).reduce((mask, names: readonly string[]) => mask | capabilityMask(names), 0n);
  const [missing] = capabilityNames(asked & ~facts.capabilities);
  if (missing === undefined) return;
  throw new UserError(`${missing} cannot be given: crt itself does not have it here (its bounding set)`, {
    hint: `${isUsual(missing) ? `go without: --cap-drop ${missing}` : `leave out --cap-add ${missing}`}; capsh --print shows what there is`,
    check: 'capabilities',
  });
}

function checkApparmor(profile: string | undefined, facts: HostFacts, profiles: typeof loadedProfiles): void {
  if (!profile) return;
  if (facts.lsm.apparmor === undefined) {
    throw new UserError(`the AppArmor profile ${quote(profile)} cannot be had: AppArmor is not enabled here`, {
      hint: 'leave out --security-opt apparmor=…; sudo aa-status tells more',
      check: 'security-modules',
    });
  }
  if (profile === 'unconfined' || profiles()?.has(profile) !== false) return;
  throw new UserError(`the AppArmor profile ${quote(profile)} is not loaded`, {
    hint: 'sudo apparmor_parser -r FILE; sudo aa-status',
    check: 'security-modules',
    isAsked: true,
  });
}

/** Names of a profile that one line shows. */
const MOST_NAMES = 5;

function unknownNotice(file: string, names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `--security-opt seccomp: ${file} names system calls that crt does not know, which get no rule: ${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}

/** What it costs, and what of it will not be as it was meant, in a line each. */
export function confinementNotices({ privileged, network, securityOpt = {} }: RunOptions, filter: Filter | undefined): string[] {
  const { unknown = [] } = filter ?? {};
  return [
    ...(privileged
      ? ['--privileged: root inside can take over this machine: all capabilities, all system calls and devices, no masks']
      : []),
    ...(network === 'host'
      ? ['--network host: the container has the network of this machine, and reaches what listens on 127.0.0.1 and on abstract sockets']
      : []),
    ...(unknown.length > 0 ? [unknownNotice(securityOpt.seccomp ?? '', unknown)] : []),
  ];
}
