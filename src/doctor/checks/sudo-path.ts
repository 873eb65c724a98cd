import { shellWord } from '../../format/shell-word.js';
import { sudoPath as readSudoPath } from '../../launch/sudo.js';
import type { Check, Context, Finding } from '../check.js';
import { findTool } from '../find-tool.js';
import { ownPackage } from '../package-root.js';

/** What Debian, Ubuntu, Fedora and Arch set, or nearly. */
const USUAL = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const sudoPath: Check = {
  id: 'sudo-path',
  group: 'install',
  title: 'the PATH of sudo',
  proves:
    '`node`, and `crt` where it is installed, are looked for in the PATH that sudo gives to what it runs. Root asks sudo for it (`sudo -V`); others, to ' +
    'whom sudo does not tell it, look in the usual one.',
  why: 'sudo replaces PATH by its own (secure_path). A Node.js from nvm, or a global prefix of npm in a home folder, is not in it: `sudo crt` is then "command not found".',
  repair: 'Link the program into /usr/local/bin, or give sudo its path: `sudo "$(command -v node)" -- bin/run.js run …`.',
  needsRoot: false,
  run: async (context) => {
    const sudo = await findTool('sudo', context.env);
    if (sudo === undefined) return [{ verdict: 'info', observed: 'no sudo here' }];
    const [path, from] = await pathOf(sudo, context);
    const programs = ownPackage().isClone ? ['node'] : ['node', 'crt'];
    return Promise.all(programs.map((program) => look(program, path, from, context.env)));
  },
};

/** The path, and whose it is. What sudo itself started has it at hand. */
async function pathOf(sudo: string, { isRoot, env }: Context): Promise<readonly [path: string, from: string]> {
  if (!isRoot) return [USUAL, 'the usual PATH of sudo'];
  if (env['SUDO_UID'] !== undefined) return [env['PATH'] ?? USUAL, 'the PATH of sudo'];
  return [(await readSudoPath(sudo)) ?? env['PATH'] ?? USUAL, 'the PATH of sudo'];
}

async function look(program: string, path: string, from: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const found = await findTool(program, env, path);
  if (found !== undefined) return { verdict: 'pass', observed: `sudo finds ${program}` };
  const own = program === 'node' ? process.execPath : ((await findTool(program, env)) ?? process.argv[1] ?? program);
  return {
    verdict: 'warn',
    observed: `${program} is not in ${from}: ${path}`,
    expected: `${program} in one of these folders`,
    cost: `sudo crt … does not find ${program}`,
    fix: { commands: [`ln -s ${shellWord(own)} /usr/local/bin/${program}`] },
  };
}
