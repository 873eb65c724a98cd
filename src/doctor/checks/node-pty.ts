import { isatty } from 'node:tty';
import { UserError } from '../../errors.js';
import { shellWord } from '../../format/shell-word.js';
import { openTerminal } from '../../launch/terminal.js';
import type { Check, Finding, Fix } from '../check.js';
import { toFinding } from '../finding.js';
import { ownPackage } from '../package-root.js';

/** As import says it, and as require does in the bundles: of a file that it lacks itself, one that is not built says the same with another name. */
const MISSING = /^Cannot find (package|module) 'node-pty'/;

export const nodePty: Check = {
  id: 'node-pty',
  group: 'install',
  title: 'terminals by node-pty',
  proves: 'node-pty is loaded and opens a pseudo terminal, as `crt run -t` does where crt itself has none.',
  why:
    'At a terminal crt needs it not: that one is relayed. It serves `-t` in scripts and pipes, and the option `tty` of the library. It is an ' +
    'optional package of npm with a part in C++, which is built by an install script.',
  repair:
    'Install make, a C++ compiler and python3. In a clone: `npm install --include=optional`, then `npm rebuild node-pty`; package.json allows its script. Installed globally: npm 12 runs no ' +
    'install scripts unless they are allowed: `npm install --global --allow-scripts=node-pty …`. Or go without `-t`.',
  needsRoot: false,
  run: async () => [await open()],
};

async function open(): Promise<Finding> {
  try {
    const terminal = await openTerminal({ rows: 24, columns: 80 });
    const works = isatty(terminal.slave);
    terminal.close();
    if (works) return { verdict: 'pass', observed: 'terminals for scripts: node-pty opens one' };
    return lacking('what node-pty opens is no terminal', { advice: 'is devpts mounted? findmnt /dev/pts' });
  } catch (error) {
    // It is loaded, and the kernel gave it none.
    if (error instanceof UserError && error.check === 'terminal') return toFinding(error, 'node-pty');
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause === undefined)
      return lacking(`node-pty opens no terminal: ${text(error)}`, { advice: 'is devpts mounted? findmnt /dev/pts' });
    if (MISSING.test(text(cause))) return lacking('node-pty is not installed', install(true));
    return lacking(`node-pty is installed and cannot be loaded: ${text(cause)}`, install(false));
  }
}

function text(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

function lacking(observed: string, fix: Fix): Finding {
  return {
    verdict: 'warn',
    observed,
    expected: 'a pseudo terminal',
    cost: 'no -t in scripts and pipes, no `tty` of the library; at a terminal nothing is lost',
    fix,
  };
}

function install(isMissing: boolean): Fix {
  const { root, isClone } = ownPackage();
  const packages = ['make', 'g++', 'python3'];
  if (!isClone) return { packages, advice: 'install crt again with npm install --global --allow-scripts=node-pty' };
  return {
    packages,
    commands: [`(cd ${shellWord(root)} && ${isMissing ? 'npm install --include=optional && ' : ''}npm rebuild node-pty)`],
  };
}
