import { UserError } from '../../errors.js';
import { shellWord } from '../../format/shell-word.js';
import type { HostFacts } from '../../host/facts.js';
import { hostRootfs } from '../../host-rootfs.js';
import { checkMappable } from '../../idmap.js';
import { chooseIds } from '../../ids.js';
import { judgeRootfs } from '../../judge.js';
import { parseProbe } from '../../launch/probe.js';
import { CHECKED } from '../../plan/compile-run.js';
import { stageBinds } from '../../plan/mounts.js';
import { O_PATH } from '../../plan/numbers.js';
import { stageRoot } from '../../plan/rootfs.js';
import { type Step, step, toHostPath } from '../../plan/step.js';
import { makeUserNamespace } from '../../plan/user.js';
import { chooseRootfs, isOfRootfs, type Rootfs } from '../../rootfs.js';
import { toConfig } from '../../spec/from-options.js';
import type { Check, Context, Finding } from '../check.js';
import { eachOf, elsewhere, toFinding, toldElsewhere } from '../finding.js';
import { rootLayout } from '../layouts.js';
import { note } from '../probe-plan.js';

const SHELLS = ['/bin/bash', '/bin/sh'];
const COST = 'crt run refuses it';

export const rootfs: Check = {
  id: 'rootfs',
  group: 'rootfs',
  title: 'the root file system',
  proves:
    'The rootfs that run takes (--rootfs, CRT_ROOTFS, /ubuntu_rootfs, host) passes what run asks of it: a directory that can be entered, with a shell for this processor, which no other user can write to, on a file system that is not noexec. Then a user namespace is made, its ids are mapped, and an overlay is mounted over it.',
  why: 'All that a container sees is there. Who can write to it decides what root inside runs; a file system that cannot map ids shows all files as those of nobody.',
  repair:
    'Take another one: `--rootfs host` needs no files, `scripts/rootfs DIR` makes a Debian. `chmod o-w` and `chown root` close one that is open to others; NFS, FUSE and overlay cannot map ids: copy it to ext4, xfs or btrfs, or use `--userns host`.',
  needsRoot: true,
  run: async (context) => {
    const { rootfs: named, env, facts } = context;
    let chosen: Rootfs;
    try {
      chosen = chooseRootfs(named, env, { writable: false, mounts: facts.mounts });
    } catch (error) {
      return [toFinding(error, 'rootfs', { expected: 'a directory with bin, etc and usr, or `host`', cost: COST })];
    }
    const taken: Finding = { verdict: 'pass', observed: `crt run takes ${chosen.label}` };
    return [taken, ...(await eachOf([judge, map], 'rootfs', (look) => look(chosen, context)))];
  },
};

/** What the helper finds in it, judged as before a start. */
async function judge(chosen: Rootfs, context: Context): Promise<readonly Finding[]> {
  const { facts, probe } = context;
  let text = '';
  const probed = await probe({
    stage: [
      step('open', 'stage', { fd: 'probe', path: chosen.path, flags: O_PATH }, note),
      step('probe', 'stage', { root: 'probe', candidates: SHELLS }, note),
      step('report', 'monitor', { reason: CHECKED }, note),
      step('await', 'monitor', {}, note),
    ],
    onReport: (said) => {
      text = said;
    },
  });
  if (!probed.ok && text === '') {
    const observed = `${chosen.label} cannot be looked at: ${probed.reason}`;
    return [toldElsewhere(probed, 'rootfs', ['probe']) ?? { verdict: 'fail', observed, cost: COST }];
  }
  const report = parseProbe(text);
  try {
    const notices = judgeRootfs(report, { rootfs: chosen, command: [], probed: true, facts });
    const shell: Finding = { verdict: 'pass', observed: `its shell is ${report.command?.path}` };
    return [shell, ...notices.map((observed): Finding => ({ verdict: 'warn', observed, ...owned(chosen, context) }))];
  } catch (error) {
    // The code of a command that is not there (judge.ts): here it is the shell, which is only the default.
    const isShellLess = error instanceof UserError && error.exitCode === 127;
    return [
      toFinding(error, 'rootfs', isShellLess ? { verdict: 'warn', cost: 'a shell: each run has to name a command' } : { cost: COST }),
    ];
  }
}

function owned(chosen: Rootfs, { facts }: Context): Pick<Finding, 'expected' | 'cost' | 'fix'> {
  const { path } = chosen;
  const cost = 'that user decides what root inside runs';
  const fix = isOfRootfs(path, chosen, facts.mounts)
    ? { commands: [`chown 0 ${shellWord(path)}`] }
    : { advice: 'take a rootfs that belongs to root: --rootfs DIR' };
  return { expected: 'root as its owner', cost, fix };
}

/** Its place in a user namespace, made as a start makes it, with the writable layer in memory. */
async function map(chosen: Rootfs, context: Context): Promise<Finding> {
  const { facts, roots, probe, name } = context;
  const fix = { advice: '--userns host goes without a user namespace; or copy the rootfs to ext4, xfs or btrfs' };
  const needs = { expected: 'that its ids can be mapped', cost: 'each run needs --userns host', fix };
  try {
    checkMappable(facts, [['the rootfs ', chosen.path]]);
  } catch (error) {
    // What that check would tell is this rootfs.
    return toFinding(error, 'user-namespace', needs);
  }
  const probed = await probe({ stage: mappedRoot(chosen, { facts, ids: chooseIds(roots), roots, name: name('rootfs') }) });
  if (probed.ok)
    return { verdict: 'pass', observed: `its ids can be mapped${chosen.kind === 'host' ? '' : ', and it can lie below an overlay'}` };
  if (probed.op === 'overlay' && probed.text === '' && probed.code === 'ENODEV') return elsewhere('overlay');
  const told = toldElsewhere(probed, 'rootfs', ['bind-source', 'overlay']);
  if (told) return told;
  const what = `${chosen.label}: ${probed.op}: ${probed.reason}`;
  if (probed.op === 'bind-source') return { verdict: 'fail', observed: what, ...needs };
  return { verdict: 'fail', observed: what, expected: 'that it can lie below an overlay', cost: 'each run needs --writable-rootfs' };
}

/** Of the `host` rootfs its parts, each bound as it is for a container: the folder that they are bound in is made by a start. */
function mappedRoot(
  { kind, path }: Rootfs,
  { facts, ids, roots, name }: Pick<Context, 'facts' | 'roots'> & { ids: number; name: string },
): readonly Step[] {
  const extraMounts = kind === 'host' ? hostRootfs(roots).mounts : [];
  const config = toConfig({ name }, { facts: confined(facts), rootfs: path, rootfsKind: kind, ids, extraMounts });
  const layout = rootLayout(
    kind === 'host' ? { kind: 'directory', directory: toHostPath('/usr') } : { kind: 'memory', lower: path, size: undefined },
  );
  return [makeUserNamespace(config), ...stageRoot(layout, config), ...(kind === 'host' ? stageBinds(config, layout) : [])];
}

/** Capabilities are another check's. */
function confined({ cpus, oomScoreAdj }: HostFacts): { cpus: number; oomScoreAdj: number } {
  return { cpus, oomScoreAdj };
}
