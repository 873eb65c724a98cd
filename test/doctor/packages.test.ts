import test from 'ava';
import { CHECKS } from '../../src/doctor/checks.js';
import { installLine, packageManager } from '../../src/doctor/packages.js';

for (const [osRelease, manager] of [
  ['ID=debian\n', 'apt'],
  ['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', 'apt'],
  ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'apt'],
  ['ID=fedora\n', 'dnf'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf'],
  ['ID="amzn"\nID_LIKE="fedora"\n', 'dnf'],
  ['ID=arch\n', 'pacman'],
  ['ID=manjaro\nID_LIKE=arch\n', 'pacman'],
  ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', 'zypper'],
  ['ID="sles"\nID_LIKE="suse"\n', 'zypper'],
  ['ID=alpine\n', 'apk'],
  ['ID=nixos\n', undefined],
  ['', undefined],
] as const) {
  test(`${osRelease.split('\n').filter(Boolean).at(-1) ?? 'nothing'}: ${manager}`, (t) => {
    t.is(packageManager(osRelease), manager);
  });
}

test('names of packages differ', (t) => {
  const wanted = ['make', 'g++', 'libc6-dev'];
  t.is(installLine(wanted, 'apt'), 'apt-get install -y make g++ libc6-dev');
  t.is(installLine(wanted, 'dnf'), 'dnf install -y make gcc-c++ glibc-static');
  t.is(installLine(wanted, 'pacman'), 'pacman -S --needed --noconfirm make gcc glibc');
  t.is(installLine(wanted, 'zypper'), 'zypper --non-interactive install make gcc-c++ glibc-devel-static');
  t.is(installLine(wanted, 'apk'), 'apk add make g++ musl-dev linux-headers');
  t.is(installLine(['gcc', 'g++'], 'pacman'), 'pacman -S --needed --noconfirm gcc');
});

test('every check has its texts, each a sentence', (t) => {
  for (const { id, title, proves, why, repair } of CHECKS) {
    t.true(title.length > 0 && !title.endsWith('.'), id);
    for (const text of [proves, why, repair]) t.regex(text, /\.$/, id);
  }
});
