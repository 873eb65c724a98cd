import { userInfo } from 'node:os';
import { readText } from '../../cgroup/files.js';
import type { Check, Context, Finding } from '../check.js';
import { lookFor } from '../find-tool.js';

export const rootless: Check = {
  id: 'rootless',
  group: 'rootless',
  title: 'containers without root',
  proves:
    'Nothing yet: crt cannot be used without root. What such use will ask for is read: the limit on user namespaces, switches of Debian and Ubuntu, ' +
    'subordinate ids of the user (subuid(5)), newuidmap(1).',
  why: 'An ordinary user gets rights over mounts only in a user namespace. Distributions limit who may make one, and which ids it may hold.',
  repair: 'Nothing has to be repaired for `sudo crt run`.',
  needsRoot: false,
  run: async (context) => [
    { verdict: 'info', observed: 'not built yet, `crt run` needs root' },
    ...KNOBS.flatMap(tellKnob),
    ...ubuntuSwitch(),
    ...subordinate(context),
    ...(await Promise.all(['newuidmap', 'newgidmap'].map((name) => lookFor(name, context.env)))),
  ],
};

/** The second is a patch of Debian's; Arch's linux-hardened has it too. */
const KNOBS = ['user/max_user_namespaces', 'kernel/unprivileged_userns_clone'];

function tellKnob(path: string): Finding[] {
  const value = readText(`/proc/sys/${path}`);
  return value === undefined ? [] : [{ verdict: 'info', observed: `${path.replace('/', '.')} is ${value}` }];
}

/** From Ubuntu 23.10 on. */
function ubuntuSwitch(): Finding[] {
  const value = readText('/proc/sys/kernel/apparmor_restrict_unprivileged_userns');
  if (value === undefined) return [];
  const meaning = value === '0' ? '' : ': user namespaces of ordinary users have no rights, unless a profile of AppArmor allows it';
  return [{ verdict: 'info', observed: `kernel.apparmor_restrict_unprivileged_userns is ${value}${meaning}` }];
}

/** Lines `USER:START:COUNT` of subuid(5) and subgid(5), by name or number. */
function subordinate({ env }: Context): readonly Finding[] {
  const { username, uid } = currentUser();
  const [name, id] = [env['SUDO_USER'] ?? username, env['SUDO_UID'] ?? String(uid)];
  return ['/etc/subuid', '/etc/subgid'].map((path) => {
    const lines = (readText(path) ?? '').split('\n').map((line) => line.split(':'));
    const count = lines.filter(([owner]) => owner === name || owner === id).reduce((sum, [, , ids]) => sum + (Number(ids) || 0), 0);
    return { verdict: 'info', observed: `${path} gives ${count === 0 ? 'no ids' : `${count} ids`} to ${name}` };
  });
}

/** A user without a line in passwd(5) has no name. */
function currentUser(): { username: string; uid: number } {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? 0;
    return { username: `user ${uid}`, uid };
  }
}
