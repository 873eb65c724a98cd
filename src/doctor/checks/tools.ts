import type { Check, Context, Finding } from '../check.js';
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
  run: async (context) => {
    const { isClone } = ownPackage();
    return Promise.all(TOOLS.filter(({ cloneOnly }) => isClone || !cloneOnly).map((tool) => look(tool, context)));
  },
};

async function look(tool: Tool, { env }: Context): Promise<Finding> {
  const path = await findTool(tool.name, env);
  if (path !== undefined) return { verdict: 'pass', observed: `${tool.name} is ${path}` };
  return { verdict: 'info', observed: `no ${tool.name}`, expected: `${tool.name}, for ${tool.use}`, fix: { packages: [tool.package] } };
}
