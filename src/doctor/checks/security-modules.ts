import { readFileSync } from 'node:fs';
import type { Check, Context, Finding } from '../check.js';

export const securityModules: Check = {
  id: 'security-modules',
  group: 'isolation',
  title: 'AppArmor and SELinux',
  proves: 'Which of the two is in force is read from securityfs and selinuxfs, and under which label crt itself runs.',
  why: 'They confine programs beside namespaces and capabilities. crt gives a container a label of theirs only when asked; a label of its own can forbid crt to mount.',
  repair: 'Nothing has to be on. `--security-opt apparmor=PROFILE` and `label=…` name one; aa-status and sestatus show what there is.',
  needsRoot: false,
  run: ({ facts }) => [modules(facts), ...confined()],
};

function modules({ lsm }: Context['facts']): Finding {
  const on = [...(lsm.apparmor ? ['AppArmor'] : []), ...(lsm.selinux ? ['SELinux'] : [])];
  if (on.length === 0) return { verdict: 'info', observed: 'neither AppArmor nor SELinux is on: containers do without' };
  const flags = [...(lsm.apparmor ? ['--security-opt apparmor=PROFILE'] : []), ...(lsm.selinux ? ['--security-opt label=…'] : [])];
  return { verdict: 'info', observed: `${on.join(' and ')} is on; a container is confined by it only when asked: ${flags.join(', ')}` };
}

/** apparmor(7), selinux(8): the label of this process, which says nothing where none is in force. */
function confined(): Finding[] {
  const label = readLabel();
  if (label === undefined || !/ \(enforce\)$/.test(label)) return [];
  return [
    {
      verdict: 'warn',
      observed: `crt itself is confined by the AppArmor profile ${label.replace(/ \(enforce\)$/, '')}`,
      expected: 'unconfined',
      cost: 'the profile of another container forbids mounting: see whether the other checks pass',
      fix: { advice: 'start the outer container with --security-opt apparmor=unconfined' },
    },
  ];
}

function readLabel(): string | undefined {
  try {
    return readFileSync('/proc/self/attr/current', 'utf8').replace(/[\0\n]+$/, '');
  } catch {
    return undefined;
  }
}
