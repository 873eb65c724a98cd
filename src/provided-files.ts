import type { ProvidedFile } from './plan/layout.js';
import { toContainerPath } from './plan/step.js';

/** What a container needs to know of itself, without a word written to its rootfs (hosts(5), resolv.conf(5)). */
export function providedFiles(hostname: string): ProvidedFile[] {
  return [
    { target: toContainerPath('/etc/hostname'), content: `${hostname}\n` },
    {
      target: toContainerPath('/etc/hosts'),
      content: `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t${hostname}\n`,
    },
    { target: toContainerPath('/etc/resolv.conf'), content: '# No network beyond loopback in here, so no name server.\n' },
  ];
}
