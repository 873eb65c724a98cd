import { UserError } from '../errors.js';
import { checkAbsolute, checkNotProc, checkPathText } from './mount-target.js';
import { checkHostname } from './name.js';
import { quote, show } from './quote.js';
import { dictionary, list, optional, type Reader, record, required, text, toggle, wrong } from './schema.js';
import type { Config, Mount, Root } from './types.js';
import { LINUX } from './validate-linux.js';
import { PROCESS } from './validate-process.js';

/** Mount options that crt would have to act on and does not. */
const OPTIONS_NOT_YET: ReadonlyMap<string, string> = new Map([
  ...['shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'].map((word) => [word, 'mount propagation'] as const),
  ['remount', 'remounts'],
  ['tmpcopyup', 'tmpfs mounts with a copy of what they cover'],
]);

const version: Reader<string> = (value, path) => {
  const given = text(value, path);
  if (!/^1\.\d+\.\d+([-+][\w.+-]*)?$/.test(given)) throw wrong(path, value, 'a version of the runtime specification that crt knows, 1.x.y');
  return given;
};

const rootPath: Reader<string> = (value, path) => {
  const given = text(value, path);
  if (!given.startsWith('/'))
    throw new UserError(`${path}: ${quote(given)} is relative to a bundle, and crt does not have bundles yet`, {
      hint: 'give an absolute path',
    });
  checkPathText(given, path);
  return given;
};

const destination: Reader<string> = (value, path) => {
  const place = checkAbsolute(value, path);
  if (place === '/')
    throw new UserError(`${path}: a mount on / would hide the container's root`, { hint: 'choose the root with root.path' });
  return place;
};

const mountOption: Reader<string> = (value, path) => {
  const option = text(value, path);
  const missing = OPTIONS_NOT_YET.get(option);
  if (missing !== undefined)
    throw new UserError(`${path}: ${option}: crt does not have ${missing} yet`, { hint: 'leave it out; nothing is ever ignored silently' });
  return option;
};

const mountFields = record<Mount>(
  { destination: required(destination), type: optional(text), source: optional(text), options: optional(list(mountOption)) },
  { uidMappings: 'idmapped mounts', gidMappings: 'idmapped mounts' },
);

const mount: Reader<Mount> = (value, path) => {
  const checked = mountFields(value, path);
  const isBind = checked.type === 'bind' || (checked.options ?? []).some((option) => option === 'bind' || option === 'rbind');
  if (isBind && !checked.source?.startsWith('/')) {
    throw new UserError(`${path}.source: a bind needs an absolute path on the host, not ${show(checked.source)}`, {
      hint: 'crt does not have bundles yet',
    });
  }
  if (!isBind && checked.type === undefined) throw new UserError(`${path}.type is missing`, { hint: 'proc, tmpfs, … or the option bind' });
  if (isBind || checked.type !== 'proc' || checked.destination !== '/proc') checkNotProc(checked.destination, `${path}.destination`);
  return checked;
};

const root: Reader<Root> = record<Root>({ path: required(rootPath), readonly: optional(toggle) });

const CONFIG: Reader<Config> = record<Config>(
  {
    ociVersion: required(version),
    root: required(root),
    hostname: optional(checkHostname),
    domainname: optional(domainname),
    mounts: required(list(mount)),
    process: required(PROCESS),
    linux: required(LINUX),
    annotations: optional(dictionary(text)),
  },
  {
    hooks: 'hooks',
    vm: 'virtual machines',
    windows: 'Windows containers',
    solaris: 'Solaris zones',
    zos: 'z/OS containers',
    freebsd: 'FreeBSD jails',
  },
);

/** setdomainname(2) takes 64 bytes. */
function domainname(value: unknown, path: string): string {
  const name = text(value, path);
  if (!/^[A-Za-z0-9(][A-Za-z0-9_.)-]{0,63}$/.test(name)) throw wrong(path, value, 'a domain name of at most 64 characters');
  return name;
}

/**
 * An OCI runtime-spec config (1.x) from outside, checked whole; the answer is a new object. What the specification has and
 * crt has not is refused in words, and so is what neither knows: the specification would let the latter pass, but a
 * misspelt `maskedPaths` must not confine less than was meant. Unsupported fields that ask for nothing (empty, false) pass.
 * @param json from {@link parseExactJson}, so that no number was rounded
 * @throws UserError that begins with the field: `linux.namespaces[2].type …`
 */
export function validateConfig(json: unknown): Config {
  // `mounts` may be missing in the specification; nothing else that crt needs.
  const given = typeof json === 'object' && json !== null && !Object.hasOwn(json, 'mounts') ? { ...json, mounts: [] } : json;
  const config = CONFIG(given, '');
  const types = new Set(config.linux.namespaces.map((namespace) => namespace.type));
  for (const field of ['hostname', 'domainname'] as const) {
    // Without its own UTS namespace it would be the host that is renamed.
    if (config[field] !== undefined && !types.has('uts'))
      throw new UserError(`${field}: there is no uts namespace to set it in`, { hint: 'add {"type": "uts"} to linux.namespaces' });
  }
  // By its mapping: there is none without it.
  const mapped = config.mounts.findIndex(({ options = [] }) => options.some((option) => option === 'idmap' || option === 'ridmap'));
  if (mapped >= 0 && !types.has('user'))
    throw new UserError(`mounts[${mapped}].options: ids are mapped as in the user namespace, and there is none`, {
      hint: 'add {"type": "user"} to linux.namespaces, or leave out idmap',
    });
  return config;
}
