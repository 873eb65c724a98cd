import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { UserError } from '../../errors.js';
import { shellWord } from '../../format/shell-word.js';
import { helperPath } from '../../launch/helper-path.js';
import type { Check, Context, Finding, Fix } from '../check.js';
import { ownPackage, type Package } from '../package-root.js';

/** e_machine of elf(5) by process.arch. */
const MACHINES: Readonly<Record<string, number>> = {
  ia32: 3,
  ppc64: 21,
  s390x: 22,
  arm: 40,
  x64: 62,
  arm64: 183,
  riscv64: 243,
  loong64: 258,
};
const COST = 'no container can be started';

export const helper: Check = {
  id: 'helper',
  group: 'install',
  title: 'the helper crt-init',
  proves:
    'The file is there, belongs to root or to whoever owns crt, can be changed by nobody else, and is a program for this processor. Then it ' +
    'is started with a plan, as a run starts it, and says which version of the plan it speaks.',
  why: 'Every step of a start is taken by this program: what creates namespaces and mounts must be a small program of one thread, which Node is not.',
  repair:
    'Build it again: `make -C helper clean crt-init` in the clone, with make, a C compiler and its static libc. Without a clone, install crt again. A wrong owner or mode: chown and chmod, as the finding says.',
  needsRoot: false,
  run: async (context) => [await examine(context, ownPackage())],
};

async function examine(context: Context, own: Package): Promise<Finding> {
  const path = `${own.root}/helper/crt-init`;
  const build = rebuild(own);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { verdict: 'fail', observed: `${path} is missing`, expected: 'the helper', cost: COST, fix: build };
  if (stat.isFile() && (stat.mode & 0o111) !== 0) {
    const machine = describeMachine(path, context.facts.arch);
    if (machine !== undefined) return { verdict: 'fail', observed: `${path} ${machine}`, cost: COST, fix: build, ...expectedFor(context) };
  }
  try {
    helperPath();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const fix = /executable/.test(error.message) ? build : { commands: [...trust(own)] };
    return {
      verdict: 'fail',
      observed: error.message,
      expected: 'a program that only root, or the owner of crt, can change',
      cost: COST,
      fix,
    };
  }
  try {
    // What fails after its first word is another check's.
    await context.probe({});
  } catch (error) {
    if (!(error instanceof UserError) || error.check !== 'helper') throw error;
    return { verdict: 'fail', observed: error.message, cost: COST, fix: build, ...expectedFor(context) };
  }
  return { verdict: 'pass', observed: `crt-init for ${context.facts.arch}: of this version` };
}

function expectedFor({ facts }: Context): { expected: string } {
  return { expected: `a program for ${facts.arch}, built from this version` };
}

function rebuild({ root, isClone }: Package): Fix {
  if (!isClone) return { advice: 'install crt again: npm install --global, with a package made for this kind of machine' };
  return { packages: ['make', 'gcc', 'libc6-dev'], commands: [`make -C ${shellWord(`${root}/helper`)} clean crt-init`] };
}

function trust({ root }: Package): readonly string[] {
  const [owner, folder] = [statSync(`${root}/package.json`).uid, `${root}/helper`];
  return [
    `chown ${owner} ${shellWord(folder)} ${shellWord(`${folder}/crt-init`)}`,
    `chmod go-w ${shellWord(folder)} ${shellWord(`${folder}/crt-init`)}`,
  ];
}

/** Why the file is no program for this machine; undefined when it is one. execvp(3) would hand it to sh(1). */
function describeMachine(path: string, arch: string): string | undefined {
  const head = Buffer.alloc(20);
  const fd = openSync(path, 'r');
  try {
    if (readSync(fd, head) < head.length || head.readUInt32BE(0) !== 0x7f454c46) return 'is no ELF program';
  } finally {
    closeSync(fd);
  }
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
  if (MACHINES[arch] === undefined || machine === MACHINES[arch]) return undefined;
  const name = Object.keys(MACHINES).find((known) => MACHINES[known] === machine) ?? `ELF machine ${machine}`;
  return `is built for ${name}, this machine is ${arch}`;
}
