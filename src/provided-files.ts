import { readFileSync } from 'node:fs';
import type { ProvidedFile } from './plan/layout.js';
import { toContainerPath } from './plan/step.js';

/** What the machine itself says of names on its network. */
export interface HostNames {
  readonly hosts: string;
  readonly resolvConf: string;
}

/** Of a file that is there to be longer nobody has heard; the plan has room for 4 MiB. */
const LONGEST = 1024 ** 2;

/**
 * What a container needs to know of itself, without a word written to its rootfs (hosts(5), resolv.conf(5)).
 * @param names for a container on the machine's own network
 */
export function providedFiles(hostname: string, names?: HostNames): ProvidedFile[] {
  const own = `127.0.1.1\t${hostname}\n`;
  const hosts = names
    ? `${names.hosts.replace(/\n?$/, '\n')}${own}`
    : `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${own}`;
  return [
    { target: toContainerPath('/etc/hostname'), content: `${hostname}\n` },
    { target: toContainerPath('/etc/hosts'), content: hosts },
    {
      target: toContainerPath('/etc/resolv.conf'),
      content: names?.resolvConf ?? '# No network beyond loopback in here, so no name server.\n',
    },
  ];
}

/** A file that is missing says nothing. */
export function readHostNames(): HostNames {
  return { hosts: readShort('/etc/hosts'), resolvConf: readShort('/etc/resolv.conf') };
}

function readShort(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, LONGEST);
  } catch {
    return '';
  }
}
