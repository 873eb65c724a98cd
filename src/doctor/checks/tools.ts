import type { Check, Finding } from '../check.js';
import { findTool } from '../find-tool.js';
import { ownPackage } from '../package-root.js';

interface Tool {
  readonly name: string;
  /** Debian's name of its package. */
  readonly package: string;
  readonly use: string;
  /** Of use only where crt can be built. */
  readonly cloneOnly?: true;
}

const TOOLS: readonly Tool[] = [
  { name: 'sudo', package: 'sudo', use: 'crt from an ordinary user' },
  { name: 'make', package: 'make', use: 'to build the helper', cloneOnly: true },
  { name: 'cc', package: 'gcc', use: 'to build the helper', cloneOnly: true },
  { name: 'mmdebstrap', package: 'mmdebstrap', use: 'scripts/rootfs, which makes a rootfs', cloneOnly: true },
  { name: 'bash', package: 'bash', use: 'scripts of --explain=sh' },
  { name: 'unshare', package: 'util-linux', use: 'scripts of --explain=sh' },
  { name: 'setpriv', package: 'util-linux', use: 'scripts of --explain=sh' },
  { name: 'pivot_root', package: 'util-linux', use: 'scripts of --explain=sh' },
];

export const tools: Check = {
  id: 'tools',
  group: 'install',
  title: 'programs beside crt',
  proves: 'Each program that something of crt calls, or that its output is made for, is looked for in PATH and in the folders of root.',
  why: 'A container needs none of them. They build the helper, make a root file system, or run the script that --explain=sh prints.',
  repair: 'Install the package that the finding names, if you want what it is for.',
  needsRoot: false,
  run: async ({ env }) => {
    const { isClone } = ownPackage();
    const wanted = TOOLS.filter(({ cloneOnly }) => isClone || !cloneOnly);
    const paths = await Promise.all(wanted.map(({ name }) => findTool(name, env)));
    const found = paths.filter((path) => path !== undefined);
    const missing = wanted.filter((_, at) => paths[at] === undefined);
    return [{ verdict: 'pass', observed: `${found.length} programs beside crt: ${found.join(' ')}` }, ...missing.map(tellMissing)];
  },
};

function tellMissing({ name, use, package: its }: Tool): Finding {
  return { verdict: 'info', observed: `no ${name}`, expected: `${name}, for ${use}`, fix: { packages: [its] } };
}
