import test from 'ava';
import { loadedProfiles, lsmFacts } from '../../src/host/lsm.js';
import type { MountEntry } from '../../src/host/mounts.js';

const mounts = (...types: string[]): MountEntry[] =>
  types.map((fstype, id) => ({
    id,
    parent: 0,
    device: '0:1',
    root: '/',
    mountpoint: `/${fstype}`,
    options: [],
    fstype,
    source: fstype,
    superOptions: [],
  }));
const files =
  (texts: Record<string, string>) =>
  (path: string): string | undefined =>
    texts[path];

test('AppArmor is there when the kernel says so and securityfs is mounted', (t) => {
  const on = files({ '/sys/module/apparmor/parameters/enabled': 'Y\n' });
  t.regex(lsmFacts(mounts('securityfs'), on).apparmor?.execFile ?? '', /^\/proc\/self\/attr\/(apparmor\/)?exec$/);
  t.is(lsmFacts(mounts('proc'), on).apparmor, undefined);
  t.is(lsmFacts(mounts('securityfs'), files({ '/sys/module/apparmor/parameters/enabled': 'N\n' })).apparmor, undefined);
  t.is(lsmFacts(mounts('securityfs'), files({})).apparmor, undefined);
});

test('SELinux is there when its file system is mounted', (t) => {
  t.true(lsmFacts(mounts('proc', 'selinuxfs'), files({})).selinux);
  t.false(lsmFacts(mounts('proc'), files({})).selinux);
});

test('loaded profiles: names may hold spaces and slashes', (t) => {
  const list = 'docker-default (enforce)\n/usr/bin/man (complain)\nmy profile (unconfined)\n';
  const profiles = loadedProfiles(files({ '/sys/kernel/security/apparmor/profiles': list }));
  for (const name of ['docker-default', '/usr/bin/man', 'my profile']) t.true(profiles?.has(name), name);
  t.false(profiles?.has('docker'));
  t.is(loadedProfiles(files({})), undefined);
});
