import test from 'ava';
import type { RunOptions } from '../../src/options.js';
import { checkOptions } from '../../src/spec/check-options.js';
import { loosened } from '../../src/spec/loosened.js';

const words = (options: Partial<RunOptions>): string[] => loosened(checkOptions({ name: 'box', ...options }));

/** Each option that loosens, and its word. */
const LOOSENS: readonly (readonly [Partial<RunOptions>, ...string[]])[] = [
  [{ privileged: true }, 'privileged'],
  [{ userns: 'host' }, 'userns=host'],
  [{ network: 'host' }, 'network=host'],
  [{ capAdd: ['sys_admin', 'CHOWN'] }, 'cap-add=CAP_SYS_ADMIN'],
  [{ capAdd: ['all'] }, 'cap-add=ALL'],
  [{ capDrop: ['ALL'], capAdd: ['NET_RAW'] }, 'cap-add=CAP_NET_RAW'],
  [{ devices: [{ source: '/dev/kvm', target: '/dev/x', access: 'r' }] }, 'device=/dev/kvm'],
  [{ securityOpt: { noNewPrivileges: false } }, 'no-new-privileges=false'],
  [{ securityOpt: { seccomp: 'unconfined' } }, 'seccomp=unconfined'],
  [{ securityOpt: { seccomp: '/etc/profile.json' } }, 'seccomp=/etc/profile.json'],
  [{ securityOpt: { unmask: 'ALL' } }, 'unmask=ALL'],
  [{ securityOpt: { unmask: ['/proc/kcore', '/proc/sys'] } }, 'unmask=/proc/kcore', 'unmask=/proc/sys'],
  [{ securityOpt: { apparmor: 'unconfined', label: 'disable' } }, 'apparmor=unconfined', 'label=disable'],
  [{ writableRootfs: true }, 'writable-rootfs'],
  [{ pidsLimit: -1 }, 'pids-limit=-1'],
  [{ pidsLimit: 4096 }, 'pids-limit=4096'],
  [{ ulimits: { core: [0, -1] } }, 'ulimit=core'],
];

for (const [options, ...expected] of LOOSENS) test(`${expected.join(' ')}`, (t) => t.deepEqual(words(options), expected));

test('what tightens, or changes nothing, has no word', (t) => {
  const tight: Partial<RunOptions> = {
    capDrop: ['ALL'],
    capAdd: ['CHOWN'],
    securityOpt: { noNewPrivileges: true, mask: ['/etc'], apparmor: 'strict', label: { type: 'strict_t' } },
    network: 'none',
    userns: 'auto',
    privileged: false,
    readOnly: true,
    pidsLimit: 10,
    memory: 50 << 20,
    ulimits: { core: [0, 0], nofile: [10, 10] },
    user: 'nobody',
  };
  t.deepEqual(words(tight), []);
  t.deepEqual(words({}), []);
});

test('several, in a stable order', (t) => {
  t.deepEqual(words({ writableRootfs: true, capAdd: ['SYS_TIME'], network: 'host' }), [
    'network=host',
    'cap-add=CAP_SYS_TIME',
    'writable-rootfs',
  ]);
});
