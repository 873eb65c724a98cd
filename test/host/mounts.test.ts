import { readFileSync } from 'node:fs';
import test from 'ava';
import { findMount, parseMounts, unescapeOctal } from '../../src/host/mounts.js';

const TREE = [
  '1 1 0:2 / / rw - rootfs rootfs rw',
  '20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
  '21 20 0:30 / /a/b rw,nosuid,noexec master:3 propagate_from:2 - tmpfs early rw',
  '22 20 0:31 / /a rw,relatime - tmpfs later rw,size=4k',
  '23 22 0:32 /sub /a/with\\040space\\134x rw,ro - ext4 /dev/sd\\043b rw',
  '24 20 0:33 / /twice rw - tmpfs first rw',
  '25 24 0:34 / /twice rw - tmpfs second rw',
].join('\n');

test('a line is taken apart, octal escapes undone, whatever optional fields it has', (t) => {
  const [, , early, , escaped] = parseMounts(TREE);
  t.deepEqual(early, {
    id: 21,
    parent: 20,
    device: '0:30',
    root: '/',
    mountpoint: '/a/b',
    options: ['rw', 'nosuid', 'noexec'],
    fstype: 'tmpfs',
    source: 'early',
    superOptions: ['rw'],
  });
  t.is(escaped?.mountpoint, '/a/with space\\x');
  t.is(escaped?.source, '/dev/sd#b');
  t.is(escaped?.root, '/sub');
});

test('lines of another shape are left out', (t) => {
  t.deepEqual(parseMounts('\n\nnonsense\n1 2 3\n20 1 8:1 / / rw shared:1 ext4 /dev/sda1 rw\n'), []);
});

test('an unfinished escape stays as it is', (t) => {
  t.is(unescapeOctal('a\\04'), 'a\\04');
  t.is(unescapeOctal('tab\\011newline\\012'), 'tab\tnewline\n');
});

for (const [path, source] of [
  ['/', '/dev/sda1'],
  ['/ab', '/dev/sda1'],
  ['/a', 'later'],
  ['/a/b', 'later'],
  ['/a/b/c', 'later'],
  ['/a/with space\\x/deep', '/dev/sd#b'],
  ['/twice/x', 'second'],
] as const) {
  test(`${path} is on ${source}`, (t) => t.is(findMount(path, TREE)?.source, source));
}

test('in a chroot without a root mount the longest prefix answers', (t) => {
  const text = '30 29 0:1 / /proc rw - proc proc rw\n31 30 0:1 / /proc/sys ro - proc other rw';
  t.is(findMount('/proc/sys/kernel', text)?.source, 'other');
  t.is(findMount('/etc', text), undefined);
});

test('this machine: /proc is procfs', (t) => {
  t.is(findMount('/proc/self', readFileSync('/proc/self/mountinfo', 'utf8'))?.fstype, 'proc');
});
