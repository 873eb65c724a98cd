import { UserError } from '../errors.js';
import type { DeviceOption } from '../options.js';
import { DEFAULT_DEVICES } from './defaults.js';
import { checkAbsolute, checkPathText, checkTarget } from './mount-target.js';
import { quote } from './quote.js';
import { optional, type Reader, record, required, text } from './schema.js';
import type { Device, Resources } from './types.js';

/** A device node of the host, as stat(2) answered. */
export interface HostDevice {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const EXAMPLE = 'for example: --device /dev/kvm, --device /dev/fuse:/dev/fuse:rw';
/** File systems of the container's own in /dev, on which no device works. */
const ELSEWHERE = /^\/dev\/(shm|mqueue|pts)(\/|$)/;

/** Some of `r`, `w` and `m`, each once. @throws UserError */
export const checkAccess: Reader<string> = (value, path) => {
  const access = text(value, path);
  if (isAccess(access)) return access;
  throw new UserError(`${path}: ${quote(access)} is not an access to a device`, { hint: 'some of r (read), w (write), m (mknod): rwm' });
};

/**
 * The text of `--device`: `HOST[:CONTAINER][:rwm]`; `/dev/kvm:r` is an access, as with docker. The parts are for {@link DEVICE_OPTION}.
 * @throws UserError for more parts than these
 */
export function parseDevice(given: string): DeviceOption {
  const [source = '', second, third, ...more] = given.split(':');
  if (more.length > 0) throw new UserError(`--device ${quote(given)} has more than two ":"`, { hint: EXAMPLE });
  const short = third === undefined && second !== undefined && isAccess(second);
  const target = short ? undefined : second;
  const access = short ? second : third;
  return { source, ...(target === undefined ? {} : { target }), ...(access === undefined ? {} : { access }) };
}

const hostNode: Reader<string> = (value, path) => {
  const source = text(value, path);
  if (!source.startsWith('/')) throw new UserError(`${path}: ${quote(source)} is not an absolute path of the host`, { hint: EXAMPLE });
  checkPathText(source, path);
  return source;
};

const fields = record<DeviceOption>({ source: required(hostNode), target: optional(checkAbsolute), access: optional(checkAccess) });

/** The fields of RunOptions.devices. */
export const DEVICE_OPTION: Reader<DeviceOption> = (value, path) => {
  const option = fields(value, path);
  const what = `${path}.target`;
  const place = checkAbsolute(option.target ?? option.source, what);
  if (DEFAULT_DEVICES.some((device) => device.path === place)) return option;
  checkTarget(place, what);
  if (place.startsWith('/dev/') && !ELSEWHERE.test(place)) return option;
  throw new UserError(`${what}: ${quote(place)} is not a place for a device: none works outside /dev`, { hint: EXAMPLE });
};

/**
 * The devices of the specification, those that every container has first.
 * @param hosts what is at each `source`, in the same order
 * @throws UserError that names `devices[n]`, for two devices at one place.
 */
export function toDevices(options: readonly DeviceOption[], hosts: readonly HostDevice[]): Device[] {
  const devices: Device[] = DEFAULT_DEVICES.map((device) => ({ ...device }));
  for (const [at, { source, target = source }] of options.entries()) {
    const { type, major, minor, mode, uid, gid } = hostAt(hosts, at);
    const path = checkAbsolute(target, `devices[${at}].target`);
    const there = devices.find((device) => device.path === path);
    if (there === undefined) devices.push({ type, path, major, minor, fileMode: mode, uid, gid });
    else if (there.type !== type || there.major !== major || there.minor !== minor)
      throw new UserError(`devices[${at}]: ${quote(path)} is the place of another device already`, { hint: 'one place, one device' });
  }
  return devices;
}

/** What the device filter has to let pass for them, beside its defaults. */
export function toDeviceRules(options: readonly DeviceOption[], hosts: readonly HostDevice[]): NonNullable<Resources['devices']> {
  return options.map(({ access = 'rwm' }, at) => {
    const { type, major, minor } = hostAt(hosts, at);
    return { allow: true, type, major, minor, access };
  });
}

function hostAt(hosts: readonly HostDevice[], at: number): HostDevice {
  const host = hosts[at];
  if (host === undefined) throw new TypeError(`devices[${at}] was not looked at`);
  return host;
}

function isAccess(word: string): boolean {
  return /^[rwm]{1,3}$/.test(word) && new Set(word).size === word.length;
}
