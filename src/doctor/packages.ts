import { readFileSync } from 'node:fs';

const INSTALL = {
  apt: 'apt-get install -y',
  dnf: 'dnf install -y',
  pacman: 'pacman -S --needed --noconfirm',
  zypper: 'zypper --non-interactive install',
  apk: 'apk add',
} as const;
export type PackageManager = keyof typeof INSTALL;

/** ID and ID_LIKE of os-release(5). */
const DISTRIBUTIONS: Readonly<Record<string, PackageManager>> = {
  debian: 'apt',
  ubuntu: 'apt',
  fedora: 'dnf',
  rhel: 'dnf',
  centos: 'dnf',
  amzn: 'dnf',
  arch: 'pacman',
  suse: 'zypper',
  opensuse: 'zypper',
  alpine: 'apk',
};

/** Debian's names where others differ; an empty text is part of the base system there. */
const NAMES: Readonly<Record<string, Partial<Record<PackageManager, string>>>> = {
  'g++': { dnf: 'gcc-c++', pacman: 'gcc', zypper: 'gcc-c++' },
  'libc6-dev': { dnf: 'glibc-static', pacman: 'glibc', zypper: 'glibc-devel-static', apk: 'musl-dev linux-headers' },
  nodejs: { zypper: 'nodejs-default' },
  python3: { pacman: 'python' },
  // Neither is packaged everywhere.
  mmdebstrap: { zypper: 'debootstrap', apk: 'debootstrap', pacman: 'debootstrap' },
};

/** The package manager of a distribution, by the text of its os-release(5); undefined when it is not known. */
export function packageManager(osRelease: string = readOsRelease()): PackageManager | undefined {
  const value = (key: string): string => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  const ids = [value('ID'), ...value('ID_LIKE').split(/\s+/)];
  return ids.map((id) => DISTRIBUTIONS[id] ?? DISTRIBUTIONS[id.split('-')[0] ?? '']).find((manager) => manager !== undefined);
}

function readOsRelease(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // The other one, or a machine without a name.
    }
  }
  return '';
}

/** The command line that installs packages of these Debian names. */
export function installLine(packages: readonly string[], manager: PackageManager): string {
  const names = packages.flatMap((name) => (NAMES[name]?.[manager] ?? name).split(' '));
  return `${INSTALL[manager]} ${[...new Set(names)].join(' ')}`;
}
