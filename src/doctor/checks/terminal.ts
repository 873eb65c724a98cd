import { openConsole } from '../../plan/compile-run.js';
import { makeDevices } from '../../plan/devices.js';
import { mountAll } from '../../plan/mounts.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { findUser } from '../../plan/process.js';
import { openRoot } from '../../plan/rootfs.js';
import type { Check } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer, emptyRoot, onlyMounts } from '../layouts.js';

export const terminal: Check = {
  id: 'terminal',
  group: 'start',
  title: 'a terminal inside',
  proves:
    'A process mounts a devpts of its own, opens a pseudo terminal in it, takes it as its controlling terminal, and crt relays it: the steps of `crt run -t`.',
  why: 'A terminal of the host inside would let a container type into it, and programs could not find its name.',
  repair: 'Use a kernel of the distribution (CONFIG_UNIX98_PTYS), and raise kernel.pty.max when all terminals are in use.',
  needsRoot: true,
  run: async (context) => {
    const container = defaultContainer(context, { userns: 'host', tty: true });
    const { config, layout } = onlyMounts(container, (destination) => destination === '/dev' || destination === '/dev/pts');
    const failed = await context.probe({
      stage: emptyRoot(container),
      namespaces: CLONE_FLAGS.mount,
      init: [...openRoot(layout), ...mountAll(config, layout), ...makeDevices(config), ...findUser(config), ...openConsole(config)],
    });
    if (failed.ok) return [{ verdict: 'pass', observed: 'a terminal opens inside: in a devpts of its own' }];
    const elsewhere = toldElsewhere(failed, 'terminal');
    if (elsewhere) return [elsewhere];
    return [
      {
        verdict: 'fail',
        observed: `no terminal can be opened inside: ${failed.reason}`,
        expected: 'a pseudo terminal',
        cost: 'crt run without a command or with -t does not work; --no-tty does',
        fix: { commands: ['sysctl -w kernel.pty.max=4096'] },
      },
    ];
  },
};
