import type { Check, Finding } from '../check.js';

export const kernelVersion: Check = {
  id: 'kernel-version',
  group: 'kernel',
  title: 'the version of Linux',
  proves: 'The running kernel says its version in uname(2). crt needs 5.12, and 5.19 for a user namespace over a layered rootfs.',
  why: 'Mounts are made and restricted by system calls that came with 5.12 (mount_setattr(2)); overlay takes layers with mapped ids from 5.19 on.',
  repair: 'Install the newest kernel of the distribution and boot it. Until then `--userns host` goes without a user namespace.',
  needsRoot: false,
  run: ({ facts: { kernel } }) => [judge(kernel)],
};

function judge({ release, major, minor }: { release: string; major: number; minor: number }): Finding {
  const version = major * 1000 + minor;
  const fix = { advice: 'install a newer kernel of your distribution, and boot it' };
  if (version < 5012)
    return { verdict: 'fail', observed: `Linux ${release}`, expected: 'Linux 5.12 or newer', cost: 'no container can be started', fix };
  if (version < 5019)
    return {
      verdict: 'fail',
      observed: `Linux ${release}`,
      expected: 'Linux 5.19 or newer',
      cost: '`crt run` needs --userns host each time: root inside is then root of the host, less capabilities',
      fix,
    };
  return { verdict: 'pass', observed: `Linux ${release}` };
}
