import test from 'ava';
import { environmentOf } from '../../src/doctor/checks/environment.js';
import { serial } from '../e2e/support.js';
import { checkOf } from './report.js';
import { crtDoctor, reportOf } from './support.js';

const FIRST = {
  '/proc/self/ns/user': 'user:[4026531837]',
  '/proc/self/ns/pid': 'pid:[4026531836]',
  '/proc/self/ns/uts': 'uts:[4026531838]',
  '/proc/self/ns/ipc': 'ipc:[4026531839]',
};

function seen(
  files: Record<string, string>,
  { release = '6.1.0', env = {} }: { release?: string; env?: NodeJS.ProcessEnv } = {},
): string[] {
  const all: Record<string, string> = { ...FIRST, ...files };
  return environmentOf({ release, env, read: (path) => all[path] }).map(({ verdict, observed }) => `${verdict} ${observed}`);
}

test('a machine of its own', (t) => {
  t.deepEqual(seen({}), ['pass no container and no virtual machine']);
});

test('a container: by its namespaces, with the name of who made it', (t) => {
  const pid = { '/proc/self/ns/pid': 'pid:[4026532999]' };
  t.deepEqual(seen({ ...pid, '/.dockerenv': '' }), ['info inside a container (docker): not the first namespaces of the machine: pid']);
  t.deepEqual(seen({ ...pid, '/run/.containerenv': '' }), [
    'info inside a container (podman): not the first namespaces of the machine: pid',
  ]);
  t.deepEqual(seen({ ...pid, '/proc/1/environ': 'A=1\0container=lxc\0' }), [
    'info inside a container (lxc): not the first namespaces of the machine: pid',
  ]);
  t.deepEqual(seen({ ...pid, '/proc/self/ns/user': 'user:[4026532111]' }), [
    'info inside a container: not the first namespaces of the machine: user, pid',
  ]);
});

test('the mark of docker alone is none: an image can be that of a virtual machine', (t) => {
  t.deepEqual(seen({ '/.dockerenv': '' }), ['pass no container and no virtual machine']);
});

test('a virtual machine, by its vendor or its processor', (t) => {
  t.deepEqual(seen({ '/sys/class/dmi/id/sys_vendor': 'QEMU\n' }), ['info a virtual machine (KVM or QEMU)']);
  t.deepEqual(seen({ '/sys/class/dmi/id/sys_vendor': 'Microsoft Corporation\n', '/sys/class/dmi/id/product_name': 'Virtual Machine\n' }), [
    'info a virtual machine (Hyper-V)',
  ]);
  t.deepEqual(seen({ '/proc/cpuinfo': 'flags\t\t: fpu hypervisor lahf_lm\n' }), ['info a virtual machine']);
});

test('WSL 2 is fine, WSL 1 has no kernel', (t) => {
  t.deepEqual(seen({}, { release: '5.15.153.1-microsoft-standard-WSL2' }), ['info WSL 2']);
  t.deepEqual(seen({}, { release: '4.4.0-19041-Microsoft' }), ['fail WSL 1 (4.4.0-19041-Microsoft)']);
});

test('a CI service', (t) => {
  t.deepEqual(seen({}, { env: { CI: 'true' } }), ['pass no container and no virtual machine', 'info a job of a CI service']);
});

serial('in a pid namespace of its own', (t) => {
  const said = crtDoctor(['environment', '--json'], { by: ['unshare', '--pid', '--fork', '--mount-proc'] });
  const { findings } = checkOf(reportOf(said), 'environment');
  t.true(findings.some(({ observed }) => /^inside a container.*: pid$/.test(observed)));
  return Promise.resolve();
});
