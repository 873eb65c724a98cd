import { closeSync, constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { HostFacts } from '../../host/facts.js';
import { holdingMount } from '../../host/mounts.js';
import { openConsole } from '../../plan/compile-run.js';
import { makeDevices } from '../../plan/devices.js';
import { mountAll } from '../../plan/mounts.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { findUser } from '../../plan/process.js';
import { openRoot } from '../../plan/rootfs.js';
import { codeOf, errnoWords } from '../../state/failure.js';
import type { Check, Finding } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer, emptyRoot, onlyMounts } from '../layouts.js';

const MORE = 'sysctl -w kernel.pty.max=4096';
const FULL = 'all terminals are in use';

export const terminal: Check = {
  id: 'terminal',
  group: 'start',
  title: 'a terminal inside',
  proves:
    'A process mounts a devpts of its own, opens a pseudo terminal in it, takes it as its controlling terminal, and crt relays it: the steps of `crt run -t`. Outside /dev/ptmx is opened, as `-t` in a script does.',
  why: 'A terminal of the host inside would let a container type into it, and programs could not find its name.',
  repair:
    'Use a kernel of the distribution (CONFIG_UNIX98_PTYS), and raise kernel.pty.max when all terminals are in use. Outside devpts must be mounted on /dev/pts, and /dev/ptmx be the device 5:2.',
  needsRoot: true,
  run: async (context) => {
    const container = defaultContainer(context, { userns: 'host', tty: true });
    const { config, layout } = onlyMounts(container, (destination) => destination === '/dev' || destination === '/dev/pts');
    const failed = await context.probe({
      stage: emptyRoot(container),
      namespaces: CLONE_FLAGS.mount,
      init: [
        ...openRoot(layout),
        ...mountAll(config, layout),
        ...makeDevices(config),
        ...findUser(config),
        ...openConsole(config, { bind: 1 }),
      ],
    });
    if (failed.ok) return [{ verdict: 'pass', observed: 'a terminal opens inside: in a devpts of its own' }, ...outside(context.facts)];
    const elsewhere = toldElsewhere(failed, 'terminal');
    if (elsewhere) return [elsewhere];
    return [
      {
        verdict: 'fail',
        observed: `no terminal can be opened inside: ${failed.reason}`,
        expected: 'a pseudo terminal',
        cost: 'crt run without a command or with -t does not work; --no-tty does',
        fix: { commands: [MORE] },
      },
    ];
  },
};

/** One of the host's, for a caller who sits at none. */
function outside({ mounts }: HostFacts): Finding[] {
  const reason = openMaster();
  if (reason === undefined) return [];
  const isCovered = holdingMount('/dev/ptmx', mounts)?.mountpoint === '/dev/ptmx';
  const isMounted = holdingMount('/dev/pts', mounts)?.fstype === 'devpts';
  const commands = [
    ...(isCovered ? ['umount /dev/ptmx'] : ['rm -f /dev/ptmx', 'mknod -m 666 /dev/ptmx c 5 2']),
    ...(isMounted ? [] : ['mkdir -p /dev/pts', 'mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts']),
  ];
  return [
    {
      verdict: 'warn',
      observed: `no terminal of the host can be opened: /dev/ptmx: ${reason}`,
      expected: 'a device that gives pseudo terminals',
      cost: 'no -t in scripts and pipes; at a terminal nothing is lost',
      fix: { commands: reason === FULL ? [MORE] : commands },
    },
  ];
}

/** Why not; undefined where it opens. */
function openMaster(): string | undefined {
  try {
    const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
    const works = isatty(master);
    closeSync(master);
    return works ? undefined : 'it is no terminal';
  } catch (error) {
    return codeOf(error) === 'ENOSPC' ? FULL : errnoWords(error);
  }
}
