import { existsSync } from 'node:fs';
import { readText } from '../../cgroup/files.js';
import type { Check, Finding } from '../check.js';
import { lookFor } from '../find-tool.js';

export const network: Check = {
  id: 'network',
  group: 'network',
  title: 'a network for containers',
  proves:
    'Nothing yet: a container has loopback alone, or the network of the host. What a network of its own will ask for is looked for: modules of the kernel for ' +
    'veth and bridge, forwarding, nft(8). None of it is made or loaded.',
  why: 'A pair of virtual cards joins a container to a bridge of the host; the host forwards its packets and puts its own address on them.',
  repair: 'Nothing has to be repaired for `crt run`; `--network host` shares the network of the host.',
  needsRoot: false,
  run: async (context) => [
    { verdict: 'info', observed: 'not built yet, loopback only or --network host' },
    ...['veth', 'bridge', 'nf_tables'].map((name) => kernelModule(name, context.facts.kernel.release)),
    forwarding(),
    await lookFor('nft', context.env),
  ],
};

/** In the kernel or loaded (/sys/module, modules.builtin), else a file that could be loaded (modules.dep of depmod(8)). */
function kernelModule(name: string, release: string): Finding {
  const lists = (list: string): boolean => new RegExp(`/${name}\\.ko`, 'm').test(readText(`/lib/modules/${release}/${list}`) ?? '');
  const isIn = existsSync(`/sys/module/${name}`) || lists('modules.builtin');
  const what = isIn ? 'is in the kernel' : lists('modules.dep') ? 'can be loaded' : 'was not found, which need not mean that it is missing';
  return { verdict: 'info', observed: `${name} ${what}` };
}

function forwarding(): Finding {
  return { verdict: 'info', observed: `net.ipv4.ip_forward is ${readText('/proc/sys/net/ipv4/ip_forward') ?? 'not there'}` };
}
